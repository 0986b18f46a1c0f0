// @ts-check
// Reading without a network, where a browser allows it (https, or this machine). The page's own files come from a cache that the
// build's version names; a page and a book that were kept answer when the server does not. What was read waits in the outbox.
/// <reference lib="webworker" />
import { strings } from './strings.js'

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self))
const SHELL_CACHE = `tomed-shell-${VERSION}`
const PAGES = 'tomed-pages'
const BOOKS = 'tomed-books'
const base = new URL('.', worker.location.href).href

worker.addEventListener('install', event => {
    const fill = async () => {
        const cache = await caches.open(SHELL_CACHE)
        await cache.addAll(SHELL.map(path => base + path))
        await worker.skipWaiting()
    }
    event.waitUntil(fill())
})

worker.addEventListener('activate', event => {
    const tidy = async () => {
        for (const name of await caches.keys()) if (name.startsWith('tomed-shell-') && name !== SHELL_CACHE) await caches.delete(name)
        // the page is under way while this worker wakes up
        await worker.registration.navigationPreload?.enable()
        await worker.clients.claim()
    }
    event.waitUntil(tidy())
})

worker.addEventListener('fetch', event => {
    const { request } = event
    if (request.method !== 'GET' || !request.url.startsWith(base)) return
    const path = request.url.slice(base.length)
    if (path.startsWith('assets/')) event.respondWith(asset(request))
    else if (path.startsWith('read/')) event.respondWith(readerPage(event))
    else if (/^api\/v1\/books\/[^/]+\/formats\//.test(path)) event.respondWith(bookFile(request))
    else if (request.mode === 'navigate') event.respondWith(plainPage(event))
})

/** Its name tells its content: the first answer is good for ever. @param {Request} request */
const asset = async request => {
    const kept = await caches.match(request)
    if (kept) return kept
    const response = await fetch(request)
    if (response.ok && response.status === 200) await (await caches.open(SHELL_CACHE)).put(request, response.clone())
    return response
}

/** @param {FetchEvent} event @returns {Promise<Response>} */
const fromServer = async event => await event.preloadResponse ?? await fetch(event.request)

/** The server's page while there is a server. @param {FetchEvent} event */
const readerPage = async event => {
    const { request } = event
    const pages = await caches.open(PAGES)
    try {
        const response = await fromServer(event)
        if (response.ok && !response.redirected) await pages.put(request.url, response.clone())
        return response
    } catch (error) {
        const kept = await pages.match(request.url)
        if (kept) return kept
        throw error
    }
}

/** Without a server any other page, the installed reader's first one too, becomes a list of what can be read. @param {FetchEvent} event */
const plainPage = async event => {
    try {
        return await fromServer(event)
    } catch {
        const headers = { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': `default-src 'none'; style-src ${base}assets/` }
        return new Response(await listOfKept(), { status: 503, headers })
    }
}

const listOfKept = async () => {
    const books = await (await caches.open(BOOKS)).keys()
    const pages = await caches.open(PAGES)
    const items = []
    for (const { url } of await pages.keys()) {
        const html = await (await pages.match(url))?.text() ?? ''
        // written by our own template, so what stands between the quotes is escaped
        const [, uuid = '', format = '', title = ''] = /data-book-uuid="([^"]*)" data-format="([^"]*)" data-title="([^"]*)"/.exec(html) ?? []
        if (uuid && books.some(book => book.url === `${base}api/v1/books/${uuid}/formats/${format}`))
            items.push(`<li><a href="${url.replace(/&/g, '&amp;').replace(/"/g, '&quot;')}">${title}</a></li>`)
    }
    const style = SHELL.find(path => /\/site-[^/]*\.css$/.test(path))
    return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>tomed</title>`
        + `${style ? `<link rel="stylesheet" href="${base}${style}">` : ''}<main class="room"><h1>${strings.withoutServer}</h1>`
        + `<p>${items.length ? strings.keptHere : strings.nothingKept}</p><ul>${items.join('')}</ul></main></html>`
}

/** The kept file stands in for a server that cannot be reached, ranges included. @param {Request} request */
const bookFile = async request => {
    try {
        return await fetch(request)
    } catch (error) {
        const kept = await (await caches.open(BOOKS)).match(request.url)
        if (!kept) throw error
        return part(kept, request.headers)
    }
}

/** @param {Response} whole @param {Headers} asked */
const part = async (whole, asked) => {
    const etag = whole.headers.get('ETag')
    const expected = asked.get('If-Match')
    if (expected && etag && expected !== etag) return new Response(null, { status: 412 })
    const blob = await whole.blob()
    const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(asked.get('Range') ?? '') ?? []
    if (!from && !to) return new Response(blob, { headers: whole.headers })
    const start = from ? Number(from) : Math.max(0, blob.size - Number(to))
    const end = from && to ? Math.min(blob.size, Number(to) + 1) : blob.size
    const headers = new Headers({ 'Content-Type': blob.type, 'Content-Range': `bytes ${start}-${end - 1}/${blob.size}` })
    if (etag) headers.set('ETag', etag)
    return new Response(blob.slice(start, end), { status: 206, headers })
}
