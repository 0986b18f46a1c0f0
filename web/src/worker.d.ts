/** For sw.js: the page's own files, and a name for this very set of them; told by build.mjs. */
declare const SHELL: string[]
declare const VERSION: string
