// @ts-check
// What lies over the page for a while: sheets, questions, a word in passing.
import { byId, make } from './dom.js'
import { strings } from './strings.js'

/** @param {string} name @param {() => void} [opened] */
export const openSheet = (name, opened = () => {}) => {
    const sheet = /** @type {HTMLDialogElement} */ (byId(name))
    if (sheet.open) return
    closeSheets()
    sheet.showModal()
    opened()
}

export const closeSheets = () => {
    for (const sheet of document.querySelectorAll('dialog')) if (sheet.open) sheet.close()
}

/** The sentence in the middle of the page. @param {string} sentence */
export const say = sentence => {
    const message = byId('message')
    byId('sentence').textContent = sentence
    message.classList.toggle('shown', sentence !== '')
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let noticed
/** A word in passing. @param {string} sentence */
export const notice = sentence => {
    clearTimeout(noticed)
    byId('notice').textContent = sentence
    if (sentence) noticed = setTimeout(() => notice(''), 6000)
}

/** @param {boolean} wrong @returns {Promise<string>} */
export const askPassword = wrong => new Promise((resolve, reject) => {
    byId('password-words').textContent = wrong ? strings.pdfPasswordWrong : strings.pdfPassword
    const field = /** @type {HTMLInputElement} */ (byId('password-field'))
    const sheet = /** @type {HTMLDialogElement} */ (byId('password'))
    field.value = ''
    sheet.onclose = () => sheet.returnValue === 'open' ? resolve(field.value) : reject(new Error('no password'))
    sheet.returnValue = ''
    sheet.showModal()
})

/** A link out of the book opens only after this question. @param {string} href */
export const askToLeave = href => {
    if (!/^(https?|mailto):/i.test(href)) return
    byId('leave-address').replaceChildren(make('a', { href, target: '_blank', rel: 'noopener noreferrer', click: closeSheets }, href))
    openSheet('leave')
}

/** A click beside a sheet, or on its cross, closes it. */
export const wireSheets = () => {
    for (const sheet of document.querySelectorAll('dialog')) {
        sheet.addEventListener('click', event => {
            if (event.target === sheet) sheet.close()
        })
        sheet.querySelector('button.close')?.addEventListener('click', () => sheet.close())
    }
}
