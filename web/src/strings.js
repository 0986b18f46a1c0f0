// @ts-check
// Every sentence that the reader's scripts say; what stands on its page from the start is in web/strings. Another language is another such table.

export const strings = {
    offline: 'tomed cannot be reached at the moment.',
    signedOut: 'You are signed out. What you read is kept here and sent once you sign in again.',
    notFound: 'This book, or this file of it, is not in the library.',
    forbidden: 'This book is not yours to open.',
    libraryMissing: 'The library’s folder cannot be reached at the moment, so the book cannot be opened.',
    serverTrouble: 'tomed could not hand out the book.',
    changed: 'The file was changed in the library. It is opened anew at your place.',
    changedAgain: 'The file keeps changing in the library. Open the book again once that has settled.',

    empty: 'This file is empty.',
    /** @param {string} format */
    notAZip: format => `This file is no proper ${format}: it is damaged, or it was given the wrong name.`,
    truncated: 'This file ends too early. It was probably not copied completely.',
    isHtml: 'This file is a web page and not a book. A download may have gone wrong when it was added.',
    isPdf: 'This file is really a PDF under another name.',
    noContainer: 'This EPUB is incomplete: the file that tells where the book begins (META-INF/container.xml) is missing.',
    noPackage: 'This EPUB is incomplete: the list of its parts (the OPF file) is missing.',
    badXml: 'This EPUB is damaged: the list of its parts cannot be read.',
    noText: 'This EPUB has no text: its reading order is empty.',
    drm: 'This book is protected by DRM. It can be opened only by the program that it was bought for.',
    encrypted: 'This file is locked with a password, so a browser cannot show it.',
    rar: 'This comic is packed as RAR, which a browser cannot open. Calibre can convert it to CBZ; until then it can be downloaded.',
    sevenZip: 'This comic is packed as 7-Zip, which a browser cannot open. Calibre can convert it to CBZ; until then it can be downloaded.',
    noImages: 'There are no pictures in this comic.',
    tooLarge: 'This part of the book is too large to be shown.',
    badMobi: 'This file is damaged, or of a kind of MOBI that a browser cannot show.',
    badFb2: 'This FB2 file is damaged and cannot be read.',
    badPdf: 'This PDF is damaged and cannot be read.',
    pdfPassword: 'This PDF is locked with a password.',
    pdfPasswordWrong: 'That was not the password.',
    /** @param {string} format */
    unknownFormat: format => `A browser cannot show ${format} files. The book can be downloaded, or converted in Calibre.`,
    broken: 'This book could not be opened. The file may be damaged.',
    partMissing: 'This part of the book is missing in the file.',
    partBroken: 'This part of the book is damaged and cannot be shown.',
    pictureBroken: 'This picture is damaged and cannot be shown.',
    partOffline: 'This part of the book could not be loaded: tomed cannot be reached.',

    waiting: 'Waiting for the network…',
    notSaved: 'Your place is kept in this browser and is sent when tomed can be reached.',
    withoutServer: 'tomed cannot be reached',
    keptHere: 'These books are kept on this device:',
    nothingKept: 'No book is kept on this device. While tomed can be reached, open one, then “How it looks”, and keep it here.',
    notKept: 'The book could not be kept on this device. It may be too large for the space that the browser has.',
    cannotKeep: 'This browser keeps nothing for this page, so your place is saved only while tomed can be reached.',
    /** @param {string} device */
    newerElsewhere: device => `Opened at the place from ${device || 'another device'}.`,
    noContents: 'This book has no table of contents.',
    /** @param {number} n */
    page: n => `Page ${n}`,
    /** @param {number} n @param {number} total */
    pageOf: (n, total) => `${n} of ${total}`,
    /** @param {number} a @param {number} b @param {number} total */
    pagesOf: (a, b, total) => `${a}–${b} of ${total}`,
    /** @param {number} percent */
    percent: percent => `${percent} %`,
    /** @param {string} time */
    leftInChapter: time => `${time} left in chapter`,
    /** @param {string} time */
    leftInBook: time => `${time} left in book`,
    /** After the words for the chapter; a phone has room for no more. @param {string} time */
    andInBook: time => `${time} in book`,
    lessThanAMinute: 'under a minute',
    /** @param {number} n */
    minutes: n => `${n} min`,
    /** @param {number} h @param {number} m */
    hours: (h, m) => m ? `${h} h ${m} min` : `${h} h`,
    /** @param {number} n @param {boolean} more */
    found: (n, more) => n === 0 ? 'Nothing found.' : `${n}${more ? ' or more' : ''} found.`,
    searching: 'Searching…',
    frameTitle: 'Text of the book',
}
