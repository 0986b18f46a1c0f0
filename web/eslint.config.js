import js from '@eslint/js'
import globals from 'globals'

export default [
    js.configs.recommended,
    {
        languageOptions: { ecmaVersion: 2024, sourceType: 'module', globals: { ...globals.browser, PDFJS: 'readonly' } },
        linterOptions: { reportUnusedDisableDirectives: 'error' },
        rules: {
            'no-return-assign': ['error', 'always'],
            'no-var': 'error',
            'prefer-const': 'error',
            eqeqeq: ['error', 'always', { null: 'ignore' }],
            'no-implied-eval': 'error',
            'no-restricted-properties': ['error',
                { property: 'innerHTML', message: 'Build nodes with dom.js; text never becomes markup.' },
                { property: 'outerHTML', message: 'Build nodes with dom.js; text never becomes markup.' }],
            'no-restricted-globals': ['error', { name: 'fetch', message: 'Only api.js talks to the server.' }],
        },
    },
    { files: ['src/api.js', 'src/sw.js'], rules: { 'no-restricted-globals': 'off' } },
    { files: ['src/sw.js'], languageOptions: { globals: { ...globals.serviceworker, SHELL: 'readonly', VERSION: 'readonly' } } },
    { files: ['src/too-old.js'], languageOptions: { ecmaVersion: 5, sourceType: 'script' }, rules: { 'no-var': 'off' } },
    { files: ['build.mjs'], languageOptions: { globals: { ...globals.node } } },
]
