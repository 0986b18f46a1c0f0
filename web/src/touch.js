// @ts-check
// Taps and swipes. foliate swipes its text by itself; pages with a size of their own are swiped here.

/** Of the width: a tap there turns the page; between them it shows or hides the bars. */
const EDGE = .3
const TAP = { px: 12, ms: 500 }
const SWIPE = { px: 45, ms: 700 }

/** @typedef {{ turn: (side: 'left' | 'right') => void, bars: () => void, swipes: () => boolean }} Hands */

/**
 * @param {Document | HTMLElement} surface a frame's document, or the stage itself
 * @param {Hands} hands
 * @param {(x: number) => number} toPage from the surface's x to the window's
 */
export const listenToTouch = (surface, hands, toPage) => {
    /** @type {{ x: number, y: number, at: number, id: number } | null} */
    let down = null
    // foliate ends every touch by moving to the nearest page: after a tap that would take the turn back
    let tapped = false
    surface.addEventListener('pointerdown', event => {
        const { clientX, clientY, timeStamp, pointerId, pointerType, isPrimary, button } = /** @type {PointerEvent} */ (event)
        // a second finger: it is a pinch, not a tap; a mouse selects text and has buttons to turn pages with
        tapped = false
        down = isPrimary && pointerType !== 'mouse' && button === 0 ? { x: clientX, y: clientY, at: timeStamp, id: pointerId } : null
    })
    surface.addEventListener('touchend', event => {
        if (tapped) event.stopImmediatePropagation()
        tapped = false
    }, { capture: true })
    surface.addEventListener('pointercancel', event => {
        // the browser took the move over (scrolling, pinching)
        if (/** @type {PointerEvent} */ (event).pointerId === down?.id) down = null
    })
    surface.addEventListener('pointerup', event => {
        const { clientX, clientY, timeStamp, pointerId, target } = /** @type {PointerEvent} */ (event)
        if (!down || down.id !== pointerId) return
        const dx = clientX - down.x
        const dy = clientY - down.y
        const took = timeStamp - down.at
        down = null
        if (isBusy(/** @type {Element} */ (target))) return
        if (Math.abs(dx) < TAP.px && Math.abs(dy) < TAP.px && took < TAP.ms) {
            tapped = true
            const x = toPage(clientX) / innerWidth
            if (x < EDGE) hands.turn('left')
            else if (x > 1 - EDGE) hands.turn('right')
            else hands.bars()
        } else if (hands.swipes() && Math.abs(dx) > SWIPE.px && Math.abs(dx) > Math.abs(dy) * 1.5 && took < SWIPE.ms) hands.turn(dx > 0 ? 'left' : 'right')
    })
}

/** Links, fields and a selection have a use for the finger themselves. @param {Element | null} target */
const isBusy = target => {
    if (!target) return false
    if (target.closest?.('a, button, input, select, textarea, audio, video, summary')) return true
    const selection = target.ownerDocument?.getSelection()
    return !!selection && !selection.isCollapsed
}
