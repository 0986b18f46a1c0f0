// @ts-check
// A comic book: the pictures of an archive in the order in which a person counts, whatever their folders and letters.
import { Trouble } from './api.js'
import { make } from './dom.js'
import { strings } from './strings.js'

/** @type {Record<string, string>} */
const TYPES = { jpg: 'jpeg', jpeg: 'jpeg', jpe: 'jpeg', png: 'png', gif: 'gif', webp: 'webp', avif: 'avif', bmp: 'bmp', jxl: 'jxl' }
const HIDDEN = /(^|\/)(\.|__MACOSX\/)/
const natural = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })

/** @param {string} name */
const typeOf = name => TYPES[name.slice(name.lastIndexOf('.') + 1).toLowerCase()]

/** Folder by folder, numbers as numbers: page2 before page10. @param {string} a @param {string} b */
export const byPage = (a, b) => {
    const as = a.split('/')
    const bs = b.split('/')
    for (let i = 0; i < Math.min(as.length, bs.length); i++) {
        const order = natural.compare(as[i] ?? '', bs[i] ?? '')
        if (order) return order
    }
    return as.length - bs.length
}

/**
 * @param {import('./types').Archive} archive
 * @returns {Promise<import('./types').Book>}
 */
export const makeComic = async archive => {
    const names = archive.names.filter(name => typeOf(name) && !HIDDEN.test(name)).sort(byPage)
    if (!names.length) throw new Trouble(strings.noImages, { code: 'empty' })
    const info = await readInfo(archive)

    /** @type {Map<number, string>} */
    const urls = new Map()
    /** @param {number} index @returns {Promise<import('./types').Picture>} */
    const picture = async index => {
        const name = names[index] ?? ''
        const blob = await archive.loadBlob(name, `image/${typeOf(name)}`)
        const url = URL.createObjectURL(/** @type {Blob} */ (blob))
        unload(index)
        urls.set(index, url)
        const image = make('img', { alt: strings.page(index + 1), src: url, draggable: 'false' })
        try {
            await image.decode()
        } catch {
            return { width: 800, height: 1200, element: make('p', { class: 'trouble' }, strings.pictureBroken) }
        }
        return { width: image.naturalWidth || 800, height: image.naturalHeight || 1200, element: image }
    }
    /** @param {number} index */
    const unload = index => {
        URL.revokeObjectURL(urls.get(index) ?? '')
        urls.delete(index)
    }
    return {
        dir: info.rightToLeft ? 'rtl' : 'ltr',
        metadata: {},
        rendition: { layout: 'pre-paginated' },
        toc: info.bookmarks.length ? info.bookmarks : folders(names),
        // size 1 each: progress counts pages, not bytes
        sections: names.map((id, index) => ({ id, size: 1, picture: () => picture(index), unload: () => unload(index) })),
        resolveHref: href => ({ index: Number(href) }),
        splitTOCHref: href => [names[Number(href)], null],
        getTOCFragment: doc => doc.documentElement,
        destroy: () => { for (const index of [...urls.keys()]) unload(index) },
    }
}

/** Chapters are folders, when there are several. @param {string[]} names */
const folders = names => {
    /** @type {import('./types').TocItem[]} */
    const items = []
    let last = ''
    for (const [index, name] of names.entries()) {
        const folder = name.slice(0, Math.max(0, name.lastIndexOf('/')))
        if (folder !== last && folder) items.push({ label: folder.split('/').at(-1) ?? folder, href: String(index) })
        last = folder
    }
    return items.length > 1 ? items : []
}

/** What ComicInfo.xml says of the direction and of chapters. @param {import('./types').Archive} archive */
const readInfo = async archive => {
    const name = archive.names.find(n => /(^|\/)comicinfo\.xml$/i.test(n))
    /** @type {{ rightToLeft: boolean, bookmarks: import('./types').TocItem[] }} */
    const info = { rightToLeft: false, bookmarks: [] }
    try {
        const text = name && await archive.loadText(name)
        if (!text) return info
        const doc = new DOMParser().parseFromString(text, 'application/xml')
        info.rightToLeft = doc.querySelector('Manga')?.textContent?.trim() === 'YesAndRightToLeft'
        for (const page of doc.querySelectorAll('Pages > Page[Bookmark]')) {
            const label = page.getAttribute('Bookmark')
            if (label) info.bookmarks.push({ label, href: String(Number(page.getAttribute('Image'))) })
        }
    } catch { /* a broken ComicInfo.xml costs only itself */ }
    return info
}
