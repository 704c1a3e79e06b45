// Comfort only: each page works without. Written for browsers that know modules.
"use strict";
