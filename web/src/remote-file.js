// @ts-check
// A file on the server that reads like a Blob: slice() fetches only what is asked for, in blocks that are kept for a while.
import { getRange, Trouble } from './api.js'

const BLOCK = 1 << 19
const KEPT = 64 // blocks: 32 MB
const FIRST = 1 << 16
/** Waits between attempts while the network is away, ms. Turning a page then simply takes longer. */
const PATIENCE = [500, 1000, 2000, 4000, 8000]

/** @typedef {import('./types').Readable} Readable */

/** @implements {Readable} */
export class RemoteFile {
    /** Requests and bytes so far; the bench reads it. */
    static traffic = { requests: 0, bytes: 0 }

    #path
    #etag
    /** @type {{ start: number, bytes: Uint8Array }} what the first answer brought */
    #first
    /** @type {Map<number, Promise<Uint8Array>>} in order of use, the stalest first */
    #blocks = new Map()

    /**
     * Ask for the end of the file (a ZIP's list of contents is there) or for its beginning; its size comes along.
     *
     * @param {string} path
     * @param {{ name: string, tail: boolean }} options
     */
    static async open(path, { name, tail }) {
        const first = await getRange(path, tail ? `-${FIRST * 2}` : `0-${FIRST - 1}`, null)
        if (first.size === 0) throw new Trouble((await import('./strings.js')).strings.empty, { code: 'empty' })
        RemoteFile.#count(first.bytes)
        return new RemoteFile(path, name, first)
    }

    /**
     * @param {string} path
     * @param {string} name
     * @param {Awaited<ReturnType<typeof getRange>>} first
     */
    constructor(path, name, first) {
        this.#path = path
        this.#etag = first.etag
        this.#first = first
        this.name = name
        this.size = first.size
        this.type = first.type
        /** Told when reading has to wait for the network. @type {(waiting: boolean) => void} */
        this.onWait = () => {}
    }

    /** @param {number} start @param {number} end @param {string} type @returns {Readable} */
    slice(start = 0, end = this.size, type = '') {
        const from = Math.min(start < 0 ? Math.max(0, this.size + start) : start, this.size)
        const to = Math.max(from, Math.min(end < 0 ? this.size + end : end, this.size))
        return new Slice((a, b) => this.#read(from + a, from + b), to - from, type)
    }
    arrayBuffer() { return this.slice().arrayBuffer() }
    text() { return this.slice().text() }
    stream() { return this.slice().stream() }

    /** Have these bytes under way in one request: whoever reads them in small steps then finds them here. @param {number} start @param {number} end */
    expect(start, end) {
        const { start: has, bytes: { length } } = this.#first
        if (end > start && !(start >= has && end <= has + length)) this.#want(Math.floor(start / BLOCK), Math.floor((Math.min(end, this.size) - 1) / BLOCK))
    }

    /** @param {Uint8Array} bytes */
    static #count(bytes) {
        RemoteFile.traffic.requests++
        RemoteFile.traffic.bytes += bytes.length
    }

    /** @param {number} start @param {number} end @returns {Promise<ArrayBuffer>} */
    async #read(start, end) {
        const { start: has, bytes: head } = this.#first
        if (start >= has && end <= has + head.length) return copy(head.subarray(start - has, end - has))
        const a = Math.floor(start / BLOCK)
        const z = Math.floor((end - 1) / BLOCK)
        if (end <= start) return new ArrayBuffer(0)
        this.#want(a, z)
        const parts = []
        for (let i = a; i <= z; i++) parts.push(/** @type {Promise<Uint8Array>} */ (this.#blocks.get(i)))
        const out = new Uint8Array(end - start)
        for (const [k, block] of (await Promise.all(parts)).entries()) {
            const offset = (a + k) * BLOCK
            const from = Math.max(start, offset)
            const to = Math.min(end, offset + block.length)
            out.set(block.subarray(from - offset, to - offset), from - start)
        }
        return out.buffer
    }

    /** Have blocks a..z under way; neighbours that are missing come in one request. @param {number} a @param {number} z */
    #want(a, z) {
        for (let i = a; i <= z;) {
            const known = this.#blocks.get(i)
            if (known) {
                this.#blocks.delete(i)
                this.#blocks.set(i++, known)
                continue
            }
            let n = 1
            while (i + n <= z && !this.#blocks.has(i + n)) n++
            const run = this.#fetch(i, n)
            for (let k = 0; k < n; k++) {
                const block = run.then(bytes => bytes.subarray(k * BLOCK, (k + 1) * BLOCK))
                block.catch(() => this.#blocks.delete(i + k))
                this.#blocks.set(i + k, block)
            }
            i += n
        }
        for (const i of this.#blocks.keys()) {
            if (this.#blocks.size <= KEPT + z - a) break
            if (i < a || i > z) this.#blocks.delete(i)
        }
    }

    /** @param {number} block @param {number} n */
    async #fetch(block, n) {
        const start = block * BLOCK
        const end = Math.min(this.size, (block + n) * BLOCK)
        for (let attempt = 0; ; attempt++) {
            try {
                const { bytes } = await getRange(this.#path, `${start}-${end - 1}`, this.#etag)
                if (attempt) this.onWait(false)
                RemoteFile.#count(bytes)
                if (bytes.length !== end - start) throw new Trouble('', { code: 'changed' })
                return bytes
            } catch (error) {
                const pause = PATIENCE[attempt]
                if (!(error instanceof Trouble) || error.code !== 'offline' || pause === undefined) throw error
                this.onWait(true)
                await networkOr(pause)
            }
        }
    }
}

/** A part of a file that is not here yet. @implements {Readable} */
class Slice {
    #read
    /** @param {(start: number, end: number) => Promise<ArrayBuffer>} read @param {number} size @param {string} type */
    constructor(read, size, type) {
        this.#read = read
        this.size = size
        this.type = type
    }
    /** @param {number} start @param {number} end @param {string} type @returns {Readable} */
    slice(start = 0, end = this.size, type = '') {
        const from = Math.min(start < 0 ? Math.max(0, this.size + start) : start, this.size)
        const to = Math.max(from, Math.min(end < 0 ? this.size + end : end, this.size))
        return new Slice((a, b) => this.#read(from + a, from + b), to - from, type)
    }
    arrayBuffer() { return this.#read(0, this.size) }
    async text() { return new TextDecoder().decode(await this.arrayBuffer()) }
    /** @returns {ReadableStream<Uint8Array>} */
    stream() {
        return new ReadableStream({
            start: async controller => {
                controller.enqueue(new Uint8Array(await this.arrayBuffer()))
                controller.close()
            },
        })
    }
}

/** @param {Uint8Array} bytes @returns {ArrayBuffer} */
const copy = bytes => new Uint8Array(bytes).buffer

/** @param {number} ms @returns {Promise<void>} after that time, or as soon as the browser says it is online again */
const networkOr = ms => new Promise(resolve => {
    const done = () => {
        clearTimeout(timer)
        removeEventListener('online', done)
        resolve()
    }
    const timer = setTimeout(done, ms)
    addEventListener('online', done)
})
