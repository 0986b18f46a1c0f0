// @ts-check
// The text of a document as a person would compare it: no accents, no case, one space for any white space. It remembers where
// every character came from, so that what is found can be shown.

const SKIPPED = 'script, style, rt, rp, head, title'
const INVISIBLE = /[\u00ad\u200b-\u200f\u2060\ufeff]/
const MARKS = /\p{M}/gu

/** @param {string} character */
const fold = character => character < '\x80' ? character.toLowerCase() : character.normalize('NFKD').replace(MARKS, '').toLowerCase()

/** @param {string} text */
export const normalise = text => {
    let out = ''
    for (const c of text) {
        if (INVISIBLE.test(c)) continue
        if (/\s/.test(c)) out += out.endsWith(' ') ? '' : ' '
        else out += fold(c)
    }
    return out
}

/** A document or a part of it, ready to be searched. */
export class TextIndex {
    text = ''
    /** @type {{ node: Text, from: number, raw: string }[]} `from`: where the node begins in `text` */
    #nodes = []
    #doc

    /** @param {Document} doc */
    constructor(doc) {
        this.#doc = doc
        const parts = []
        let length = 0
        let space = true
        const walker = doc.createTreeWalker(doc.body ?? doc.documentElement, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_CDATA_SECTION)
        for (let node = /** @type {Text | null} */ (walker.nextNode()); node; node = /** @type {Text | null} */ (walker.nextNode())) {
            if (node.parentElement?.closest(SKIPPED)) continue
            let part = ''
            for (const c of node.data) {
                if (INVISIBLE.test(c)) continue
                const white = c <= ' ' || /\s/.test(c)
                if (!white) part += fold(c)
                else if (!space) part += ' '
                space = white
            }
            this.#nodes.push({ node, from: length, raw: node.data })
            parts.push(part)
            length += part.length
        }
        this.text = parts.join('')
    }

    /** @param {number} from @param {number} to in `text` @returns {Range} */
    range(from, to) {
        const range = this.#doc.createRange()
        const start = this.#place(from)
        const end = this.#place(Math.max(from, to - 1))
        range.setStart(start.node, start.offset)
        range.setEnd(end.node, Math.min(end.node.length, end.offset + 1))
        return range
    }

    /** @param {number} at @returns {{ node: Text, offset: number }} */
    #place(at) {
        let low = 0
        let high = this.#nodes.length - 1
        while (low < high) {
            const middle = (low + high + 1) >> 1
            if ((this.#nodes[middle]?.from ?? 0) <= at) low = middle
            else high = middle - 1
        }
        const { node, from, raw } = /** @type {{ node: Text, from: number, raw: string }} */ (this.#nodes[low])
        const before = this.text[from - 1]
        let space = from === 0 || before === ' '
        let count = from
        let offset = 0
        for (const c of raw) {
            if (!INVISIBLE.test(c)) {
                const white = c <= ' ' || /\s/.test(c)
                const size = white ? (space ? 0 : 1) : fold(c).length
                if (count + size > at) return { node, offset }
                count += size
                space = white
            }
            offset += c.length
        }
        return { node, offset: Math.max(0, raw.length - 1) }
    }
}

/** The text of a range as it is kept beside a place. @param {Range | null | undefined} range @param {number} [length] */
export const excerpt = (range, length = 40) => {
    if (!range) return ''
    const text = range.toString().slice(0, 2000).replace(/\s+/g, ' ').trim()
    return [...text].slice(0, length).join('')
}

/**
 * The point at which a page begins. White space at a page's beginning belongs, as it is drawn, to the page before: a point in it
 * would lead there. A page that foliate can only name as the whole body has no point at all.
 *
 * @param {Range} range what is shown
 * @returns {Range | null}
 */
export const firstSeen = range => {
    const { startContainer: node, startOffset } = range
    const point = range.cloneRange()
    point.collapse(true)
    if (node.nodeType !== 3 && node.nodeType !== 4) return node.nodeName.toLowerCase() === 'body' && startOffset === 0 ? null : point
    const skip = /^\s*/.exec((node.nodeValue ?? '').slice(startOffset))?.[0].length ?? 0
    if (startOffset + skip < (node.nodeValue ?? '').length) {
        point.setStart(node, startOffset + skip)
        point.collapse(true)
        return point
    }
    // nothing but space is left of this text: the next one that says something, if it is shown too
    const walker = /** @type {Document} */ (node.ownerDocument).createTreeWalker(range.commonAncestorContainer, NodeFilter.SHOW_TEXT)
    walker.currentNode = node
    for (let next = walker.nextNode(); next && range.intersectsNode(next); next = walker.nextNode()) {
        const lead = /^\s*/.exec(next.nodeValue ?? '')?.[0].length ?? 0
        if (lead === (next.nodeValue ?? '').length) continue
        point.setStart(next, lead)
        point.collapse(true)
        return point
    }
    return point
}
