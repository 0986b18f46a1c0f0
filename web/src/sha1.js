// @ts-check
// SHA-1 for the fonts that an EPUB hides (IDPF obfuscation). crypto.subtle does it too, but not on plain http in a home network.

/** @param {number} x @param {number} n */
const rotate = (x, n) => x << n | x >>> 32 - n

/**
 * @param {string} text
 * @returns {Promise<Uint8Array>} 20 bytes; a promise because that is what the EPUB parser awaits
 */
export const sha1 = async text => {
    const message = new TextEncoder().encode(text)
    const padded = new DataView(new ArrayBuffer((message.length + 72 >> 6) << 6))
    message.forEach((byte, i) => padded.setUint8(i, byte))
    padded.setUint8(message.length, 0x80)
    padded.setUint32(padded.byteLength - 4, message.length * 8)

    const state = new Uint32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0])
    const words = new Uint32Array(80)
    const word = /** @param {number} i */ i => words[i] ?? 0
    for (let block = 0; block < padded.byteLength; block += 64) {
        for (let i = 0; i < 80; i++)
            words[i] = i < 16 ? padded.getUint32(block + i * 4) : rotate(word(i - 3) ^ word(i - 8) ^ word(i - 14) ^ word(i - 16), 1)
        let [a = 0, b = 0, c = 0, d = 0, e = 0] = state
        for (let i = 0; i < 80; i++) {
            const [mixed, constant] = i < 20 ? [b & c | ~b & d, 0x5a827999]
                : i < 40 ? [b ^ c ^ d, 0x6ed9eba1]
                : i < 60 ? [b & c | b & d | c & d, 0x8f1bbcdc]
                : [b ^ c ^ d, 0xca62c1d6]
            const next = rotate(a, 5) + mixed + e + constant + word(i) | 0
            e = d
            d = c
            c = rotate(b, 30)
            b = a
            a = next
        }
        for (const [i, x] of [a, b, c, d, e].entries()) state[i] = (state[i] ?? 0) + x
    }
    const digest = new DataView(new ArrayBuffer(20))
    state.forEach((x, i) => digest.setUint32(i * 4, x))
    return new Uint8Array(digest.buffer)
}
