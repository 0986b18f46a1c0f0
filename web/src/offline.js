// @ts-check
// "Keep on this device": the whole file goes into a cache from which the service worker answers when there is no network.
import { getFile } from './api.js'

const BOOKS = 'tomed-books'

/** Only where the page is secure and the server offers its worker. */
export const canKeep = () => 'serviceWorker' in navigator && 'caches' in window && document.querySelector('meta[name=tomed-offline]') !== null

/**
 * @param {HTMLInputElement} box
 * @param {string} path of the book's file
 * @param {(error: unknown) => void} failed
 */
export const wireKeeping = async (box, path, failed) => {
    const url = new URL(path, location.href).href
    const cache = await caches.open(BOOKS)
    box.checked = await cache.match(url) !== undefined
    box.addEventListener('change', async () => {
        box.disabled = true
        try {
            if (box.checked) {
                // a browser that is short of space should rather forget something else
                await navigator.storage?.persist?.()
                await cache.put(url, await getFile(path))
            } else await cache.delete(url)
        } catch (error) {
            box.checked = false
            failed(error)
        } finally {
            box.disabled = false
        }
    })
}
