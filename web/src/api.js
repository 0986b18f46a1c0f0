// @ts-check
// The only module that talks to the server. Everything that goes wrong comes out as a Trouble with a sentence for a person.
import { strings } from './strings.js'

/** What a person is told; `code` is the server's word for it, or `offline`. */
export class Trouble extends Error {
    /** @param {string} sentence @param {{ code?: string, cause?: unknown }} [more] */
    constructor(sentence, { code = 'broken', cause } = {}) {
        super(sentence, { cause })
        this.code = code
    }
}

const CLOCK = 'tomed.clock'

/** The path that tomed lives under, '' at the root of a host. */
export const base = (document.querySelector('meta[name=tomed-base]')?.getAttribute('content') ?? '').replace(/\/+$/, '')

/** Server time minus ours in ms, as last seen; a browser with a wrong clock must not lose against a device with a right one. */
let clockOffset = Number(remember(CLOCK)) || 0

/** @returns {number} now in ms, by the server's clock as far as we know it */
export const now = () => Date.now() + clockOffset

/** @param {Response} response @param {number} sentAt */
const noteClock = (response, sentAt) => {
    const told = Date.parse(response.headers.get('Date') ?? '')
    // an answer that took long says little about when it was written
    if (!Number.isFinite(told) || Date.now() - sentAt > 2000) return
    // the header counts whole seconds and the way takes time: smaller differences mean nothing
    const offset = told + 500 - (sentAt + Date.now()) / 2
    clockOffset = Math.abs(offset) < 3000 ? 0 : Math.round(offset)
    remember(CLOCK, String(clockOffset))
}

/**
 * @param {'GET' | 'PUT' | 'POST'} method
 * @param {string} path below /api/v1
 * @param {unknown} [body]
 * @param {{ keepalive?: boolean }} [options] keepalive: the page may be gone before the answer comes
 * @returns {Promise<any>}
 */
const send = async (method, path, body, { keepalive = false } = {}) => {
    const sentAt = Date.now()
    /** @type {Record<string, string>} */
    const headers = { Accept: 'application/json' }
    if (body !== undefined) headers['Content-Type'] = 'application/json'
    const response = await reach(`${base}/api/v1${path}`,
        { method, headers, keepalive, body: body === undefined ? null : JSON.stringify(body) })
    noteClock(response, sentAt)
    if (!response.ok) throw await refusal(response)
    return response.status === 204 ? null : response.json()
}

/** @param {string} url @param {RequestInit} options */
const reach = async (url, options) => {
    try {
        return await fetch(url, { credentials: 'same-origin', cache: 'no-store', ...options })
    } catch (cause) {
        throw new Trouble(strings.offline, { code: 'offline', cause })
    }
}

/** @param {Response} response */
const refusal = async response => {
    const problem = await response.json().catch(() => ({}))
    const { status } = response
    // an answer without our code is not tomed's own (a proxy's, say): nothing is given up because of it
    const code = String(problem.code ?? 'internal')
    const sentence = status === 401 ? strings.signedOut : status === 403 ? strings.forbidden : status === 404 ? strings.notFound
        : code === 'library_missing' ? strings.libraryMissing : String(problem.detail ?? strings.serverTrouble)
    return new Trouble(sentence, { code: status === 401 ? 'unauthorized' : code })
}

/**
 * @param {string} book
 * @param {string} [kind] of locator that we understand
 * @returns {Promise<import('./types').ServerPosition | null>}
 */
export const getPosition = async (book, kind) =>
    (await send('GET', `/books/${encodeURIComponent(book)}/position${kind ? `?kind=${kind}` : ''}`)).position

/** @param {string} book @param {object} body @param {{ keepalive?: boolean }} [options] */
export const putPosition = (book, body, options) => send('PUT', `/books/${encodeURIComponent(book)}/position`, body, options)

/** @param {object} body @param {{ keepalive?: boolean }} [options] */
export const sync = (body, options) => send('POST', '/sync', body, options)

/** @param {string} book @returns {Promise<{ active_s: number, start_fraction?: number, end_fraction?: number }[]>} */
export const getSessions = async book => (await send('GET', `/sessions?book_uuid=${encodeURIComponent(book)}&per_page=100`)).sessions

/** @param {string} book @param {string} format */
export const bookPath = (book, format) => `${base}/api/v1/books/${encodeURIComponent(book)}/formats/${encodeURIComponent(format)}`

/**
 * Bytes of a file. `range` as in the Range header without its unit: `0-65535`, `-65536`.
 *
 * @param {string} path
 * @param {string} range
 * @param {string | null} etag of the file as we know it; code `changed` when it is another now
 * @returns {Promise<{ bytes: Uint8Array<ArrayBuffer>, start: number, size: number, type: string, etag: string | null }>}
 */
export const getRange = async (path, range, etag) => {
    /** @type {Record<string, string>} */
    const headers = { Range: `bytes=${range}` }
    // If-Match and not If-Range: a changed file must be refused, never mixed with the old one
    if (etag) headers['If-Match'] = etag
    const response = await reach(path, { headers })
    const type = (response.headers.get('Content-Type') ?? '').split(';')[0] ?? ''
    if (response.status === 412) throw new Trouble(strings.changed, { code: 'changed' })
    const told = /^bytes (?:(\d+)-\d+|\*)\/(\d+)$/.exec(response.headers.get('Content-Range') ?? '')
    if (response.status === 416 && told && Number(told[2]) === 0) throw new Trouble(strings.empty, { code: 'empty' })
    if (!response.ok) throw await refusal(response)
    let bytes
    try {
        bytes = new Uint8Array(await response.arrayBuffer())
    } catch (cause) {
        throw new Trouble(strings.offline, { code: 'offline', cause })
    }
    const partial = response.status === 206 && told
    return {
        bytes, type, etag: response.headers.get('ETag'),
        start: partial ? Number(told[1] ?? 0) : 0, size: partial ? Number(told[2]) : bytes.length,
    }
}

/** The whole file, as it is. @param {string} path @returns {Promise<Response>} */
export const getFile = async path => {
    const response = await reach(path, {})
    if (!response.ok) throw await refusal(response)
    return response
}

/** localStorage, where it is allowed. @param {string} key @param {string} [value] @returns {string | null} */
export function remember(key, value) {
    try {
        if (value === undefined) return localStorage.getItem(key)
        localStorage.setItem(key, value)
    } catch { /* private windows of some browsers: then nothing is remembered */ }
    return null
}
