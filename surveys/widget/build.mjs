// Builds dist/: whole-….min.js with everything, or loader.min.js with its moments and the panels it fetches, each panel
// with what its surveys use alone, and the scripts of the service's own pages; the same bytes from the same sources
// anywhere. esbuild puts the modules together, terser makes them smaller still.

import { readdir, readFile, writeFile } from 'node:fs/promises'
import { build, transform } from 'esbuild'
import { minify } from 'terser'

const here = new URL('.', import.meta.url).pathname
const out = process.argv[2] || here + 'dist'
const target = 'es2021'

const styles = async path => {
  const { code } = await transform(await readFile(path, 'utf8'), { loader: 'css', minify: true, charset: 'utf8' })
  return code.trim()
}
const minifiedCss = {
  name: 'minified-css',
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => ({ contents: await styles(path), loader: 'text' }))
  },
}

/** Bundle `entry` as `name`.min.js; `flags` are constants of the sources. */
async function make(name, entry, format, flags) {
  const { outputFiles } = await build({
    plugins: [minifiedCss],
    ...entry,
    format,
    define: flags,
    bundle: true,
    minifySyntax: true,
    target,
    charset: 'utf8',
    legalComments: 'none',
    write: false,
  })
  const { code } = await minify(outputFiles[0].text, {
    module: format == 'esm',
    ecma: 2021,
    compress: { passes: 3, unsafe_arrows: true, pure_getters: true },
  })
  await writeFile(`${out}/${name}.min.js`, code)
}

const file = name => ({ entryPoints: [`${here}src/${name}.js`] })
await make('loader', file('loader'), 'iife', { WHOLE: 'false', HOSTED: 'false' })
const panels = {
  numbers: { CHOICES: 'false', LISTED: 'false', DRAWN: 'false' },
  names: { CHOICES: 'false', LISTED: 'true', DRAWN: 'false' },
  drawings: { CHOICES: 'false', LISTED: 'false', DRAWN: 'true' },
  choices: { CHOICES: 'true', LISTED: 'null', DRAWN: 'true' },
}
for (const name in panels) await make(name, file('survey'), 'esm', { WHOLE: 'false', HOSTED: 'false', ...panels[name] })

// The whole widget in one file: the loader, with the panel's `meet` imported instead of fetched; and the panel takes
// what the loader knows from the loader itself.
const joined = {
  name: 'joined',
  setup(build) {
    build.onResolve({ filter: /told\.js$/ }, () => ({ path: here + 'src/loader.js' }))
    build.onLoad({ filter: /loader\.js$/ }, async ({ path }) => ({
      contents: `import { come as earshotCome, hear as earshotHear, meet as earshotMeet } from './survey.js'
        ${await readFile(path, 'utf8')}
        export { verdict, settings, script, endpoint, guard, make, find, refuses, unseen }
        export let learn`,
    }))
  },
}
const whole = { ...file('loader'), plugins: [minifiedCss, joined] }
for (const name in panels) await make('whole-' + name, whole, 'iife', { WHOLE: 'true', HOSTED: 'false', ...panels[name] })

// The scripts of the service's own pages, which stand inside them.
const own = {
  name: 'own',
  setup(build) {
    build.onResolve({ filter: /told\.js$/ }, () => ({ path: here + 'src/hosted/told.js' }))
  },
}
for (const name of ['page', 'guarded', 'kept'])
  await make(name, { ...file('hosted/' + name), plugins: [own] }, 'iife', { HOSTED: 'true' })

/** Write what a file of `folder` becomes by the file's name; the server puts in those that a survey uses. */
async function collect(folder, read) {
  const parts = {}
  for (const name of (await readdir(here + 'src/' + folder)).sort())
    parts[name.split('.')[0]] = await read(`${here}src/${folder}/${name}`)
  await writeFile(`${out}/${folder}.json`, JSON.stringify(parts, null, 1) + '\n')
}
await collect('styles', styles)
/** One expression, a function. */
const expression = async path => {
  const { code } = await transform(await readFile(path, 'utf8'), { minify: true, target })
  return code.trim().replace(/^export default|;$/g, '').trim()
}
for (const folder of ['moments', 'extras']) await collect(folder, expression)
