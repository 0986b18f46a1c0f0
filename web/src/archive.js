// @ts-check
// A ZIP that is read in place: its list of contents first, each file when it is wanted.
import { Trouble } from './api.js'
import { strings } from './strings.js'

/** Unpacked sizes above which a part is refused: a browser would not survive them, and no honest book has them. */
const MOST_TEXT = 24 << 20
const MOST_BLOB = 256 << 20
/** A local header with its name and extra fields is hardly ever longer. */
const HEADER = 1 << 10
const MOST_AHEAD = 8 << 20

/**
 * @param {import('./types').Readable} file
 * @param {string} format for the sentence when it is none
 * @returns {Promise<import('./types').Archive>}
 */
export const openArchive = async (file, format) => {
    const zip = await import('foliate-js/vendor/zip.js')
    zip.configure({ useWebWorkers: false, chunkSize: 1 << 20 })
    const entries = await new zip.ZipReader(new zip.BlobReader(file)).getEntries().catch(async error => {
        throw error instanceof Trouble ? error : await whyNot(file, format, error)
    })
    const byName = new Map(entries.filter(entry => !entry.directory).map(entry => [entry.filename, entry]))

    /** @param {string} name @param {number} most */
    const find = (name, most) => {
        const entry = byName.get(name)
        if (entry?.encrypted) throw new Trouble(strings.encrypted, { code: 'encrypted' })
        if (entry && entry.uncompressedSize > most) throw new Trouble(strings.tooLarge, { code: 'too_large' })
        // its local header is read first, then its bytes: both come together
        if (entry) file.expect?.(entry.offset, entry.offset + HEADER + Math.min(entry.compressedSize, entry.uncompressedSize, MOST_AHEAD))
        return entry
    }
    return {
        names: [...byName.keys()],
        loadText: name => find(name, MOST_TEXT)?.getData(new zip.BlobWriter()).then(decode) ?? null,
        loadBlob: (name, type) => find(name, MOST_BLOB)?.getData(new zip.BlobWriter(type)) ?? null,
        getSize: name => byName.get(name)?.uncompressedSize ?? 0,
    }
}

/**
 * Text in the encoding that it says of itself: by its first bytes, by XML's declaration, by CSS's or HTML's, else UTF-8.
 * @param {Blob} blob
 */
const decode = async blob => {
    const bytes = new Uint8Array(await blob.arrayBuffer())
    const [a, b] = bytes
    const head = String.fromCharCode(...bytes.subarray(0, 1024)).replace(/\0/g, '')
    const told = a === 0xfe && b === 0xff || a === 0 && b === 0x3c ? 'utf-16be' : a === 0xff && b === 0xfe || a === 0x3c && b === 0 ? 'utf-16le'
        : /^\s*<\?xml[^>]*\sencoding\s*=\s*["']([\w.:-]+)/i.exec(head)?.[1] ?? /^@charset "([\w.:-]+)";/.exec(head)?.[1]
            ?? /<meta[^>]+charset\s*=\s*["']?([\w.:-]+)/i.exec(head)?.[1] ?? 'utf-8'
    try {
        return new TextDecoder(told).decode(bytes)
    } catch {
        return new TextDecoder().decode(bytes)
    }
}

/**
 * What the file is instead of a ZIP, in a sentence.
 *
 * @param {import('./types').Readable} file
 * @param {string} format
 * @param {unknown} cause
 */
export const whyNot = async (file, format, cause) => {
    const head = new Uint8Array(await file.slice(0, 512).arrayBuffer())
    const text = String.fromCharCode(...head)
    const sentence = text.startsWith('PK') ? strings.truncated
        : text.startsWith('%PDF') ? strings.isPdf
        : text.startsWith('Rar!') ? strings.rar
        : text.startsWith('7z\xbc\xaf') ? strings.sevenZip
        : /^\s*<(!doctype html|html)/i.test(text) ? strings.isHtml
        : strings.notAZip(format)
    return new Trouble(sentence, { cause })
}
