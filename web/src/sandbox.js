// @ts-check
// foliate asks `allow-scripts` for its frames, because WebKit otherwise delivers no events from them (WebKit bug 218086).
// Every other browser does: there a book's frame loses that right, whatever the policy of the page says.

const webkit = 'webkitConvertPointFromNodeToPage' in window || /AppleWebKit\/60[0-9]\./.test(navigator.userAgent)

export const lockFrames = () => {
    if (webkit) return
    const setAttribute = HTMLIFrameElement.prototype.setAttribute
    HTMLIFrameElement.prototype.setAttribute = function (/** @type {string} */ name, /** @type {string} */ value) {
        setAttribute.call(this, name, name === 'sandbox' ? 'allow-same-origin' : value)
    }
}
