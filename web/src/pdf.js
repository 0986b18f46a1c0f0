// @ts-check
// PDF through pdf.js: pages are read by ranges as they are needed, drawn at the size of the screen, their text laid over them.
import * as pdfjs from 'pdfjs-dist/legacy/build/pdf.min.mjs'
import { Trouble } from './api.js'
import { make } from './dom.js'
import { strings } from './strings.js'

/** More pixels than this some browsers refuse to draw. */
const MOST_PIXELS = 16_000_000
const folder = new URL(`./${PDFJS}/`, import.meta.url).href
pdfjs.GlobalWorkerOptions.workerSrc = `${folder}pdf.worker.min.mjs`

/**
 * @param {import('./types').Readable} file
 * @param {{ askPassword: (wrong: boolean) => Promise<string> }} person
 * @returns {Promise<import('./types').Book>}
 */
export const openPdf = async (file, { askPassword }) => {
    const transport = new pdfjs.PDFDataRangeTransport(file.size, null)
    /** @type {unknown} */
    let lost = null
    const task = pdfjs.getDocument({
        range: transport, disableAutoFetch: true, disableStream: true, rangeChunkSize: 1 << 18,
        enableXfa: false, useWasm: false, maxImageSize: 1 << 27,
        cMapUrl: `${folder}cmaps/`, standardFontDataUrl: `${folder}standard_fonts/`, wasmUrl: `${folder}wasm/`,
    })
    transport.requestDataRange = (begin, end) => {
        file.slice(begin, end).arrayBuffer().then(bytes => transport.onDataRange(begin, new Uint8Array(bytes)), error => {
            lost = error
            void task.destroy()
        })
    }
    task.onPassword = (/** @type {(password: string) => void} */ answer, /** @type {number} */ reason) =>
        void askPassword(reason === pdfjs.PasswordResponses.INCORRECT_PASSWORD).then(answer, () => {
            lost = new Trouble(strings.pdfPassword, { code: 'encrypted' })
            void task.destroy()
        })
    const pdf = await task.promise.catch(error => { throw lost ?? error })

    /** @param {number} index @returns {Promise<import('./types').Picture>} */
    const picture = async index => {
        const page = await pdf.getPage(index + 1)
        const { width, height } = page.getViewport({ scale: 1 })
        const host = make('div', { class: 'pdf', role: 'document', 'aria-label': strings.page(index + 1) })
        /** @type {import('pdfjs-dist').RenderTask | null} */
        let drawing = null
        let drawn = 0
        const draw = async (/** @type {number} */ scale) => {
            const fine = Math.min(devicePixelRatio || 1, Math.sqrt(MOST_PIXELS / (width * height)) / scale)
            host.style.setProperty('--scale-factor', String(scale))
            if (drawn === scale * fine) return
            drawn = scale * fine
            drawing?.cancel()
            const viewport = page.getViewport({ scale: scale * fine })
            const canvas = make('canvas', { 'aria-hidden': 'true', width: String(Math.floor(viewport.width)), height: String(Math.floor(viewport.height)) })
            try {
                drawing = page.render({ canvas, viewport })
                await drawing.promise
            } catch (error) {
                if (error instanceof pdfjs.RenderingCancelledException) return
                console.warn(error)
                host.replaceChildren(make('p', { class: 'trouble' }, strings.pictureBroken))
                return
            }
            const text = make('div', { class: 'textLayer' })
            const layer = new pdfjs.TextLayer({ textContentSource: page.streamTextContent(), container: text, viewport: page.getViewport({ scale }) })
            host.replaceChildren(canvas, text)
            await layer.render().catch(() => {})
        }
        return { width, height, element: host, draw }
    }

    /** @param {number} index a document of the page's text, for search */
    const createDocument = async index => {
        const content = await (await pdf.getPage(index + 1)).getTextContent()
        const doc = document.implementation.createHTMLDocument()
        for (const item of content.items) if ('str' in item) doc.body.append(item.str, item.hasEOL ? '\n' : '')
        return doc
    }

    /** @param {unknown} dest */
    const pageOf = async dest => {
        const explicit = typeof dest === 'string' ? await pdf.getDestination(dest) : dest
        const page = Array.isArray(explicit) ? explicit[0] : null
        return typeof page === 'number' ? page : page ? pdf.getPageIndex(page) : 0
    }
    const outline = await pdf.getOutline().catch(() => null)
    /** @param {{ title: string, dest: unknown, items: any[] }} item @returns {Promise<import('./types').TocItem>} */
    const entry = async ({ title, dest, items }) => ({
        label: title, href: String(await pageOf(dest).catch(() => 0)), subitems: items?.length ? await Promise.all(items.map(entry)) : null,
    })
    return {
        metadata: {},
        rendition: { layout: 'pre-paginated' },
        toc: outline ? await Promise.all(outline.map(entry)) : [],
        sections: Array.from({ length: pdf.numPages }, (_, id) => ({
            id, size: 1, picture: () => picture(id), createDocument: () => createDocument(id),
        })),
        resolveHref: href => ({ index: Number(href) }),
        splitTOCHref: href => [Number(href), null],
        getTOCFragment: doc => doc.documentElement,
        destroy: () => void task.destroy(),
    }
}
