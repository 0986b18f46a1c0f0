// Bundles the reader (and the plain pages' few assets) into tomed/static: hashed names, compressed siblings, a manifest.
// Nothing else happens here; OUT names another folder. The result appears at once or not at all.
import { build } from 'esbuild'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const here = dirname(fileURLToPath(import.meta.url))
const out = resolve(process.env.OUT ?? join(here, '..', 'tomed', 'static'))
const fresh = `${out}.new-${process.pid}`
const assets = join(fresh, 'assets')
const modules = join(here, 'node_modules')
const pdfjs = join(modules, 'pdfjs-dist')
const pdfjsVersion = JSON.parse(await readFile(join(pdfjs, 'package.json'), 'utf8')).version

// What a page may name; a file that is not there (yet) is left out of the manifest.
const entries = ['src/reader.js', 'src/opening.js', 'src/site.js', 'css/reader.css', 'css/site.css'].filter(name => existsSync(join(here, name)))

/** foliate's own fixed-layout renderer gives way to ours (src/fixed-pages.js says why). */
const ourFixedPages = {
    name: 'our-fixed-pages',
    setup(b) {
        b.onResolve({ filter: /^\.\/fixed-layout\.js$/ }, () => ({ path: join(here, 'src', 'fixed-pages.js') }))
        // view.js can open books by itself, which we never ask of it, and read aloud
        b.onResolve({ filter: /^\.\/(comic-book|tts|search|fb2|mobi|epub|vendor\/zip|vendor\/fflate)\.js$/ }, ({ importer }) =>
            importer.endsWith('foliate-js/view.js') ? { path: 'unused', namespace: 'unused' } : undefined)
        b.onLoad({ filter: /.*/, namespace: 'unused' }, () => ({ contents: 'export default null' }))
    },
}

await rm(fresh, { recursive: true, force: true })
await mkdir(assets, { recursive: true })
const result = await build({
    absWorkingDir: here,
    entryPoints: entries,
    outdir: assets,
    bundle: true,
    splitting: true,
    format: 'esm',
    minify: true,
    target: ['chrome111', 'firefox115', 'safari16.4'],
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    metafile: true,
    legalComments: 'none',
    logLevel: 'warning',
    define: { PDFJS: JSON.stringify(`pdfjs-${pdfjsVersion}`) },
    plugins: [ourFixedPages],
})

// Parts that come when a format calls for them; the page names them so that they need not wait for each other.
const ahead = new Set(['epub.js', 'zip.js', 'paginator.js', 'comic.js', 'fixed-pages.js', 'mobi.js', 'fb2.js'])
const manifest = {}
for (const [file, { entryPoint }] of Object.entries(result.metafile.outputs))
    if (entryPoint && (entries.includes(entryPoint) || ahead.has(entryPoint.split('/').pop()))) manifest[entryPoint.split('/').pop()] = `assets/${file.split('/').pop()}`

// And the parts that the reader's own scripts begin with: a browser would find them only one after the other.
const begins = new Set()
const follow = file => {
    for (const { path, kind, external } of result.metafile.outputs[file].imports) {
        if (external || kind !== 'import-statement' || begins.has(path)) continue
        begins.add(path)
        follow(path)
    }
}
for (const [file, { entryPoint }] of Object.entries(result.metafile.outputs)) if (/^src\/(reader|opening)\.js$/.test(entryPoint ?? '')) follow(file)
manifest['reader.js begins with'] = [...begins].map(path => `assets/${path.split('/').pop()}`).join(' ')

// A classic script, for browsers that know no modules: it must stay as it is written.
const tooOld = await readFile(join(here, 'src', 'too-old.js'))
const hash = createHash('sha256').update(tooOld).digest('hex').slice(0, 8).toUpperCase()
manifest['too-old.js'] = `assets/too-old-${hash}.js`
await writeFile(join(fresh, manifest['too-old.js']), tooOld)

// pdf.js loads these by name at run time; its version is in the folder's name, so they may be cached for ever.
const pdfOut = join(assets, `pdfjs-${pdfjsVersion}`)
await mkdir(pdfOut)
await cp(join(pdfjs, 'legacy', 'build', 'pdf.worker.min.mjs'), join(pdfOut, 'pdf.worker.min.mjs'))
for (const folder of ['cmaps', 'standard_fonts']) await cp(join(pdfjs, folder), join(pdfOut, folder), { recursive: true })
// No WebAssembly under our policy: the plain fallbacks of the image decoders are what can run.
await cp(join(pdfjs, 'wasm'), join(pdfOut, 'wasm'), { recursive: true, filter: path => !/\.wasm$|quickjs|qcms/i.test(path) })

const offline = join(here, 'src', 'sw.js')
if (existsSync(offline)) {
    const shell = Object.entries(result.metafile.outputs).map(([file]) => `assets/${file.split('/').pop()}`)
        .filter(file => !/\/pdf-/.test(file))
    const worker = await build({
        entryPoints: [offline], bundle: true, minify: true, format: 'iife', write: false, target: ['chrome111', 'firefox115', 'safari16.4'],
        define: { SHELL: JSON.stringify(shell), VERSION: JSON.stringify(hashOf(shell.join())) },
    })
    await writeFile(join(fresh, 'sw.js'), worker.outputFiles[0].contents)
}

await writeFile(join(assets, 'licences.txt'), await licences())
await writeFile(join(fresh, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`)
await compress(fresh)

const old = `${out}.old-${process.pid}`
if (existsSync(out)) await rename(out, old)
await mkdir(dirname(out), { recursive: true })
await rename(fresh, out)
await rm(old, { recursive: true, force: true })
await report()

function hashOf(text) {
    return createHash('sha256').update(text).digest('hex').slice(0, 12)
}

/** The texts that the licences of what we bundle ask to go with it. */
async function licences() {
    const texts = []
    for (const name of ['foliate-js', 'pdfjs-dist', 'construct-style-sheets-polyfill']) {
        const folder = join(modules, name)
        const file = (await readdir(folder)).find(f => /^licen[cs]e/i.test(f))
        if (file) texts.push(`${name}\n\n${await readFile(join(folder, file), 'utf8')}`)
    }
    texts.push('zip.js (in foliate-js): BSD 3-Clause, Copyright (c) 2013-2025 Gildas Lormeau\nfflate (in foliate-js): MIT, Copyright (c) 2020-2025 Arjun Barrett\n')
    return texts.join(`\n${'-'.repeat(72)}\n\n`)
}

/** .gz and .br beside everything worth it; the server picks by Accept-Encoding. */
async function compress(folder) {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
        const path = join(folder, entry.name)
        if (entry.isDirectory()) await compress(path)
        else if (/\.(m?js|css)$/.test(entry.name)) {
            const bytes = await readFile(path)
            if (bytes.length < 1024) continue
            await writeFile(`${path}.gz`, gzipSync(bytes, { level: 9 }))
            await writeFile(`${path}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }))
        }
    }
}

/** Sizes for the eye, and for bench/web.py (`sizes.json` is not served: it has no hashed name). */
async function report() {
    const sizes = {}
    for (const [file, { bytes, imports }] of Object.entries(result.metafile.outputs)) {
        const name = file.split('/').pop()
        const compressed = `${join(out, 'assets', name)}.gz`
        sizes[name] = { bytes, gzip: existsSync(compressed) ? (await readFile(compressed)).length : bytes, statically: imports.filter(i => !i.external && i.kind === 'import-statement').map(i => i.path.split('/').pop()) }
    }
    await writeFile(join(out, 'sizes.json'), JSON.stringify(sizes, null, 1))
    for (const [name, { bytes, gzip }] of Object.entries(sizes)) console.log(`${String(bytes).padStart(8)} ${String(gzip).padStart(7)} gz  ${name}`)
}
