// @ts-check
const lib = require('@lightkeeper/client')

void import('./story.mjs').then(({ story }) => story(lib, globalThis.process.argv[2] ?? ''))
