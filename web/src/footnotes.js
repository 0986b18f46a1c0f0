// @ts-check
// Notes open beside the text instead of leading away from it. What is shown is built anew from text and a few harmless elements:
// nothing of the book's document comes along.
import { isElement, make } from './dom.js'

const OPS = 'http://www.idpf.org/2007/ops'
const REFERENCE = /\b(noteref|biblioref|glossref|doc-noteref|doc-biblioref|doc-glossref)\b/
const BACK = /\b(backlink|doc-backlink)\b/
const NOTE = 'aside, li, dd, p, div, section, blockquote, td'
const INLINE = new Set(['em', 'i', 'strong', 'b', 'sup', 'sub', 'cite', 'code', 'q', 'small'])
const BLOCK = new Set(['p', 'div', 'section', 'li', 'blockquote', 'dd', 'dt', 'tr', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6'])
const DROPPED = new Set(['script', 'style', 'template', 'iframe', 'object', 'embed', 'head'])
const MOST = 4000

/** @param {Element} a */
const typesOf = a => `${a.getAttributeNS(OPS, 'type') ?? ''} ${a.getAttribute('epub:type') ?? ''} ${a.getAttribute('role') ?? ''} ${a.getAttribute('type') ?? ''}`

/** Is this link the number of a note? Said by the book, or raised like one. @param {Element} a */
export const isNoteReference = a => {
    const types = typesOf(a)
    if (REFERENCE.test(types)) return true
    if (BACK.test(types) || (a.textContent ?? '').trim().length > 6) return false
    if (a.closest('sup') || a.children.length === 1 && a.firstElementChild?.localName === 'sup') return true
    const align = a.ownerDocument.defaultView?.getComputedStyle(a).verticalAlign ?? ''
    return align === 'super' || align === 'text-top'
}

/**
 * The note that a link means.
 *
 * @param {import('./types').Book} book
 * @param {string} href
 * @returns {Promise<DocumentFragment | null>} null when the target is not a note but a place to go to
 */
export const findNote = async (book, href) => {
    const target = await book.resolveHref(href)
    if (!target) return null
    const section = book.sections[target.index]
    if (!section?.createDocument || typeof target.anchor !== 'function') return null
    const doc = await section.createDocument()
    const found = target.anchor(doc)
    const anchor = isElement(found) ? found : isElement(/** @type {any} */ (found)?.startContainer) ? /** @type {any} */ (found).startContainer : null
    if (!anchor) return null
    const note = blockOf(anchor)
    if (!note || note.localName === 'body' || (note.textContent ?? '').length > MOST) return null
    const copy = document.createDocumentFragment()
    transcribe(note, copy, anchor)
    return copy.textContent?.trim() ? copy : null
}

/** @param {Element} anchor @returns {Element | null} */
const blockOf = anchor => {
    if (/\b(footnote|endnote|rearnote|doc-footnote|doc-endnote|note)\b/.test(typesOf(anchor))) return anchor
    const block = anchor.matches(NOTE) ? anchor : anchor.closest(NOTE)
    // an empty anchor before the note itself
    if (block && !block.textContent?.trim()) return block.nextElementSibling
    const around = block?.closest('aside, li, dd')
    return around && (around.textContent ?? '').length <= MOST ? around : block
}

/** @param {Node} node @param {Node} into @param {Element} anchor */
const transcribe = (node, into, anchor) => {
    for (const child of node.childNodes) {
        if (child.nodeType === 3 || child.nodeType === 4) into.appendChild(document.createTextNode(child.nodeValue ?? ''))
        if (!isElement(child)) continue
        const name = child.localName.toLowerCase()
        // the way back is our own button
        if (DROPPED.has(name) || name === 'a' && (BACK.test(typesOf(child)) || /^[\s\u21a9\u2191\u2934^]*$/.test((child.textContent ?? '').replace(/[\ufe0e\ufe0f]/g, '')))) continue
        if (name === 'br') into.appendChild(make('br'))
        else if (INLINE.has(name)) transcribe(child, into.appendChild(document.createElement(name)), anchor)
        else if (BLOCK.has(name)) transcribe(child, into.appendChild(make('p')), anchor)
        else transcribe(child, into, anchor)
    }
}
