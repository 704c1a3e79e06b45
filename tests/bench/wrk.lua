-- Posts one new answer a request, like a widget would, and prints the outcome as one line of JSON.
-- SURVEY names the survey; COMMENTS is the share of answers that have a comment (0 to 1).

local survey = os.getenv("SURVEY")
local commented = tonumber(os.getenv("COMMENTS"))
local template = '{"id":"%08x-%04x-4%03x-8%03x-%08x%04x","survey":"%s","score":%d,"touchpoint":"checkout",'
    .. '"language":"en","page":"https://shop.example/thanks","properties":{"plan":"pro"}%s}'
local comment = ',"comment":"The checkout was quick, but my card was declined twice before it worked."'

function setup(thread)
    local source = io.open("/dev/urandom", "rb")
    local a, b, c, d = source:read(4):byte(1, 4)
    source:close()
    thread:set("seed", ((a * 256 + b) * 256 + c) * 256 + d)
end

function init()
    math.randomseed(seed)
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
end

function request()
    local random = math.random
    local body = template:format(random(0, 0x7fffffff), random(0, 0xffff), random(0, 0xfff), random(0, 0xfff),
        random(0, 0x7fffffff), random(0, 0xffff), survey, random(0, 10), random() < commented and comment or "")
    return wrk.format(nil, nil, nil, body)
end

function done(summary, latency)
    local errors = summary.errors
    io.stderr:write(("{\"requests\":%d,\"seconds\":%.6f,\"p50\":%.3f,\"p99\":%.3f,\"errors\":%d}\n"):format(
        summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
