// @ts-check
// Takes the teeth out of a book's documents. Nothing is removed that counts as a step of a CFI: elements stay, what they do goes.
// The page's policy and the frames' sandbox say the same once more; this layer also keeps requests away that no policy names.

const SPENT = 'script, iframe, frame, object, embed, base, portal, fencedframe, meta[http-equiv], link:not([rel~="stylesheet" i])'
/** Attributes that fetch; they may only name what was loaded from the book itself. */
const FETCHING = new Set(['src', 'srcset', 'poster', 'data', 'background', 'lowsrc', 'dynsrc', 'imagesrcset', 'manifest', 'codebase', 'archive'])
const ACTING = /^(on.*|action|formaction|ping|http-equiv|srcdoc|autofocus|is|nonce|sandbox|allow)$/
const OURS = /^\s*(blob:|data:(image|audio|video|font)\/)/i
const CODE = /^[\s\0-\x20]*(javascript|vbscript|data\s*:\s*text\/html)/i
const REMOTE_CSS = /(url\(\s*["']?|@import\s+["'])\s*(?!blob:|data:|#)[^"')\s;]*/gi

/** @param {string} css @returns {string} the same without anything that would be fetched from elsewhere */
export const sanitiseCss = css => css.replace(REMOTE_CSS, '$1about:invalid').replace(/expression\s*\(|-moz-binding|behavior\s*:/gi, 'void(')

/** @param {Element} element @param {Set<string>} keep */
const strip = (element, keep) => {
    for (const attribute of [...element.attributes]) if (!keep.has(attribute.name)) element.removeAttributeNode(attribute)
}
const IDENTITY = new Set(['id', 'xml:id', 'class'])

/**
 * Neutralise in place.
 * @param {Document} doc
 */
export const sanitiseDocument = doc => {
    for (const element of doc.querySelectorAll(SPENT)) {
        const script = element.localName === 'script'
        strip(element, IDENTITY)
        if (script) {
            element.textContent = ''
            element.setAttribute('type', 'text/plain')
        }
    }
    for (const style of doc.querySelectorAll('style')) style.textContent = sanitiseCss(style.textContent ?? '')
    for (const element of doc.querySelectorAll('*')) {
        for (const attribute of [...element.attributes]) {
            const name = attribute.localName.toLowerCase()
            const { value } = attribute
            const link = name === 'href' && (element.localName === 'a' || element.localName === 'area')
            if (ACTING.test(name) || CODE.test(value)) element.removeAttributeNode(attribute)
            else if (name === 'style') attribute.value = sanitiseCss(value)
            else if (FETCHING.has(name) && !OURS.test(value)) element.removeAttributeNode(attribute)
            // href on link, image, use, feImage, … fetches; on <a> a click does, and clicks are ours
            else if (name === 'href' && !link && !OURS.test(value) && !value.startsWith('#')) element.removeAttributeNode(attribute)
            else if (name === 'target') element.removeAttributeNode(attribute)
        }
        // animation may put back what was taken
        if (/^(set|animate)$/.test(element.localName) && /href|^on/i.test(element.getAttribute('attributeName') ?? '')) strip(element, IDENTITY)
    }
    for (const child of [...doc.childNodes]) {
        if (child.nodeType !== Node.PROCESSING_INSTRUCTION_NODE) continue
        const instruction = /** @type {ProcessingInstruction} */ (child)
        if (!/href\s*=\s*["']blob:/.test(instruction.data)) instruction.remove()
    }
}

/**
 * @param {string} text
 * @param {DOMParserSupportedType} type
 * @returns {{ data: string, type: string }} of another type where the text is not what its type says
 */
const sanitiseText = (text, type) => {
    const doc = new DOMParser().parseFromString(text, type)
    // foliate waits for ever for a page without a body
    const wrong = type !== 'text/html' && (doc.querySelector('parsererror') || type === 'application/xhtml+xml' && !doc.body)
    if (wrong) return sanitiseText(text, 'text/html')
    sanitiseDocument(doc)
    // whatever the encoding was in the file, it is text by now
    return { data: new XMLSerializer().serializeToString(doc), type: type === 'text/html' ? 'text/html;charset=utf-8' : type }
}

/**
 * Every document that the book hands out from now on is harmless.
 * @param {import('./types').Book} book
 */
export const sanitiseBook = book => {
    // EPUB: all that leaves the archive passes here, its addresses already turned into blobs
    book.transformTarget?.addEventListener('data', event => {
        const { detail } = /** @type {CustomEvent<{ data: unknown, type: string | Promise<string> }>} */ (event)
        const type = String(detail.type)
        if (/javascript|ecmascript/i.test(type)) detail.data = ''
        else if (type === 'text/css') detail.data = Promise.resolve(detail.data).then(text => typeof text === 'string' ? sanitiseCss(text) : text)
        else if (/^(application\/xhtml\+xml|text\/html|image\/svg\+xml)$/.test(type)) {
            const clean = Promise.resolve(detail.data).then(text => sanitiseText(String(text), /** @type {DOMParserSupportedType} */ (type)))
            detail.data = clean.then(({ data }) => data)
            detail.type = clean.then(found => found.type)
        } else if (/xml|html/i.test(type)) detail.type = 'text/plain'
    })
    // MOBI and AZW3 write their sections through this
    if (book.serializer) book.serializer = {
        serializeToString: doc => {
            sanitiseDocument(doc)
            return new XMLSerializer().serializeToString(doc)
        },
    }
}
