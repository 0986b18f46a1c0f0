// @ts-check
// The few ways in which this page touches its document. Text is always text, never markup.

/**
 * The element with this id, which the template promises.
 * @param {string} id
 * @returns {HTMLElement}
 */
export const byId = id => {
    const found = document.getElementById(id)
    if (!found) throw new Error(`The page has no #${id}`)
    return found
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | boolean | ((event: any) => void)>} [attributes] a function becomes a listener, `true` an empty attribute
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag)
    for (const [name, value] of Object.entries(attributes)) {
        if (typeof value === 'function') element.addEventListener(name, value)
        else if (value === true) element.setAttribute(name, '')
        else if (value !== false) element.setAttribute(name, value)
    }
    element.append(...children)
    return element
}

/**
 * The scope in which HTMLElement, Range and the rest of a book's frame live is another than ours: never use instanceof on its nodes.
 * @param {any} node
 * @returns {node is Element}
 */
export const isElement = node => node?.nodeType === 1
