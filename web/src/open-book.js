// @ts-check
// From a file to a book, by the format that the server names and never by the file's own name. Parsers come when they are needed.
import { Trouble } from './api.js'
import { openArchive, whyNot } from './archive.js'
import { FORMATS } from './formats.js'
import { strings } from './strings.js'

/** @typedef {import('./types').Readable} Readable @typedef {import('./types').Book} Book */

/**
 * @param {Readable} file
 * @param {string} format
 * @param {{ askPassword: (wrong: boolean) => Promise<string> }} person
 * @returns {Promise<Book>}
 * @throws {Trouble} with a sentence for a person, whatever is wrong with the file
 */
export const openBook = async (file, format, person) => {
    const kind = FORMATS[format]?.kind
    try {
        switch (kind) {
            case 'epub': return await openEpub(file, format)
            case 'comic': return await openComic(file, format)
            // many a .cbr is a ZIP in truth
            case 'rar': case '7z':
                if (!await startsWith(file, 'PK')) throw await whyNot(file, format, null)
                return await openComic(file, format)
            case 'mobi': return await openMobi(file)
            case 'fb2': return await openFb2(file)
            case 'fbz': return await openFb2(await unpackFb2(file, format))
            case 'pdf': return await (await import('./pdf.js')).openPdf(file, person)
            default: throw new Trouble(strings.unknownFormat(format), { code: 'unknown_format' })
        }
    } catch (error) {
        if (error instanceof Trouble) throw error
        console.warn(error)
        const sentence = kind === 'mobi' ? strings.badMobi : kind === 'fb2' || kind === 'fbz' ? strings.badFb2 : kind === 'pdf' ? strings.badPdf : strings.broken
        throw new Trouble(sentence, { cause: error })
    }
}

/** @param {Readable} file @param {string} format */
const openEpub = async (file, format) => {
    const parser = import('foliate-js/epub.js')
    const archive = await openArchive(file, format)
    if (!archive.names.includes('META-INF/container.xml')) throw new Trouble(strings.noContainer)
    if (await isProtected(archive)) throw new Trouble(strings.drm, { code: 'drm' })
    const { EPUB } = await parser
    const options = globalThis.crypto?.subtle ? archive : { ...archive, sha1: (await import('./sha1.js')).sha1 }
    const book = await new EPUB(options).init().catch(async error => {
        throw error instanceof Trouble ? error : new Trouble(await diagnose(archive), { cause: error })
    })
    if (!book.sections.length) throw new Trouble(strings.noText, { code: 'empty' })
    resolveToSections(book)
    framePictures(book)
    return book
}

/**
 * foliate leaves spine items without a file out of its sections and still counts them when it resolves an address; of a file that
 * the spine names twice it always takes the first.
 * @param {Book & { resources?: any }} book
 */
const resolveToSections = book => {
    const { sections, resources } = book
    const kept = resources.spine.map((/** @type {{ idref: string }} */ { idref }) => !!resources.getItemByID(idref))
    /** @param {string | undefined} cfi @returns {string} the numbers that lead to the section */
    const steps = cfi => (/^epubcfi\(([^!,)]*)/.exec((cfi ?? '').replace(/\[(\^.|[^\]^])*\]/g, ''))?.[1] ?? '')
    const bySteps = new Map(sections.map((section, index) => [steps(section.cfi), index]))
    /** @param {number} index in the spine */
    const toSection = index => index >= 0 && kept[index] ? kept.slice(0, index).filter(Boolean).length : -1
    const resolveCFI = book.resolveCFI?.bind(book)
    const resolveHref = book.resolveHref.bind(book)
    if (resolveCFI) book.resolveCFI = cfi => {
        const found = resolveCFI(cfi)
        return { ...found, index: bySteps.get(steps(cfi)) ?? toSection(found.index) }
    }
    book.resolveHref = href => {
        const found = /** @type {import('./types').Navigation | null | undefined} */ (resolveHref(href))
        return found && { ...found, index: toSection(found.index) }
    }
}

/**
 * A picture may stand in the reading order by itself; foliate shows only documents, so it gets one.
 * @param {Book & { resources?: any }} book
 */
const framePictures = book => {
    for (const section of book.sections) {
        const type = book.resources.getItemByHref(section.id)?.mediaType ?? ''
        const { load } = section
        if (!type.startsWith('image/') || !load) continue
        section.createDocument = () => document.implementation.createHTMLDocument('')
        section.load = async () => {
            const src = await load()
            const doc = document.implementation.createHTMLDocument('')
            const image = doc.createElement('img')
            image.src = src ?? ''
            image.alt = ''
            image.setAttribute('style', 'display: block; margin: auto; max-width: 100%; max-height: 100%')
            doc.body.append(image)
            return URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(doc)], { type: 'application/xhtml+xml' }))
        }
    }
}

/** Why the EPUB can't be opened, in a sentence. @param {import('./types').Archive} archive */
const diagnose = async archive => {
    /** @param {string | null | undefined} name */
    const read = async name => new DOMParser().parseFromString(name && await archive.loadText(name) || '', 'application/xml')
    const container = await read('META-INF/container.xml')
    const name = container.getElementsByTagNameNS('*', 'rootfile')[0]?.getAttribute('full-path')
    if (!name || !archive.names.includes(name)) return strings.noPackage
    const opf = await read(name)
    if (opf.querySelector('parsererror')) return strings.badXml
    return opf.getElementsByTagNameNS('*', 'itemref').length ? strings.broken : strings.noText
}

/** Only fonts may be hidden; where text is, it is DRM. @param {import('./types').Archive} archive */
const isProtected = async archive => {
    const text = archive.names.includes('META-INF/encryption.xml') ? await archive.loadText('META-INF/encryption.xml') : ''
    if (!text) return false
    const doc = new DOMParser().parseFromString(text, 'application/xml')
    return [...doc.getElementsByTagNameNS('*', 'EncryptedData')].some(data => {
        const algorithm = data.getElementsByTagNameNS('*', 'EncryptionMethod')[0]?.getAttribute('Algorithm') ?? ''
        const uri = data.getElementsByTagNameNS('*', 'CipherReference')[0]?.getAttribute('URI') ?? ''
        return !/idpf\.org\/2008\/embedding|ns\.adobe\.com\/pdf\/enc#RC/.test(algorithm) && !/\.(otf|ttf|woff2?)$/i.test(uri)
    })
}

/** @param {Readable} file @param {string} format */
const openComic = async (file, format) => (await import('./comic.js')).makeComic(await openArchive(file, format))

/** @param {Readable} file */
const openMobi = async file => {
    const head = new Uint8Array(await file.slice(0, 512).arrayBuffer())
    const magic = String.fromCharCode(...head.subarray(60, 68))
    if (magic !== 'BOOKMOBI' && magic !== 'TEXtREAd') throw await whyNot(file, 'MOBI', null)
    const view = new DataView(head.buffer)
    const record = new Uint8Array(await file.slice(view.getUint32(78), view.getUint32(78) + 16).arrayBuffer())
    if (record[12] || record[13]) throw new Trouble(strings.drm, { code: 'drm' })
    const [{ MOBI }, { unzlibSync }] = await Promise.all([import('foliate-js/mobi.js'), import('foliate-js/vendor/fflate.js')])
    return await new MOBI({ unzlib: unzlibSync }).open(file)
}

/** @param {Readable | Blob} file */
const openFb2 = async file => {
    const { makeFB2 } = await import('foliate-js/fb2.js')
    const book = await makeFB2(file)
    if (!book.sections.length) throw new Trouble(strings.badFb2)
    book.isExternal = href => /^(?!blob)\w+:/i.test(href)
    return book
}

/** @param {Readable} file @param {string} format */
const unpackFb2 = async (file, format) => {
    const archive = await openArchive(file, format)
    const name = archive.names.find(n => /\.fb2$/i.test(n)) ?? archive.names[0]
    const blob = name && await archive.loadBlob(name)
    if (!blob) throw new Trouble(strings.badFb2)
    return blob
}

/** @param {Readable} file @param {string} magic */
const startsWith = async (file, magic) =>
    String.fromCharCode(...new Uint8Array(await file.slice(0, magic.length).arrayBuffer())) === magic
