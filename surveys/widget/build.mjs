// Builds dist/: whole.min.js with everything, or loader.min.js with its moments and the panels it fetches; the same bytes from the same sources anywhere.

import { readdir, readFile, writeFile } from 'node:fs/promises'
import { build, transform } from 'esbuild'

const here = new URL('.', import.meta.url).pathname
const out = process.argv[2] || here + 'dist'

const minifiedCss = {
  name: 'minified-css',
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, 'utf8'), { loader: 'css', minify: true })
      return { contents: code.trim(), loader: 'text' }
    })
  },
}

const options = {
  bundle: true,
  minify: true,
  target: 'es2021',
  charset: 'utf8',
  legalComments: 'none',
  plugins: [minifiedCss],
}

const files = [
  ['loader', 'loader', { format: 'iife', define: { WHOLE: 'false' } }],
  ['survey', 'survey', { format: 'esm', define: { CHOICES: 'false' } }],
  ['survey', 'choices', { format: 'esm', define: { CHOICES: 'true' } }],
]
for (const [source, name, more] of files)
  await build({ ...options, ...more, entryPoints: [`${here}src/${source}.js`], outfile: `${out}/${name}.min.js` })

// The whole widget in one file: the loader, with the panel's `meet` imported instead of fetched.
const whole = `import { meet as earshotMeet } from './survey.js'\n${await readFile(here + 'src/loader.js', 'utf8')}`
for (const [name, choices] of [
  ['whole', 'false'],
  ['whole-choices', 'true'],
])
  await build({
    ...options,
    stdin: { contents: whole, resolveDir: here + 'src' },
    format: 'iife',
    define: { WHOLE: 'true', CHOICES: choices },
    outfile: `${out}/${name}.min.js`,
  })

// Each moment is one expression, a function; the server puts in those that a survey uses.
const moments = {}
for (const file of (await readdir(here + 'src/moments')).sort()) {
  const { code } = await transform(await readFile(`${here}src/moments/${file}`, "utf8"), { minify: true, target: options.target })
  moments[file.replace('.js', '')] = code.trim().replace(/^export default|;$/g, '').trim()
}
await writeFile(`${out}/moments.json`, JSON.stringify(moments, null, 1) + '\n')
