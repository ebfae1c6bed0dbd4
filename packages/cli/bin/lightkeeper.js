#!/usr/bin/env node
// Stands outside dist so that npm can link it before the first build.
import('../dist/main.js').then(
  ({ main }) => main(process.argv.slice(2)),
  (error) => {
    console.error(`lightkeeper: the build is missing or broken (${error.message}); in a checkout run: npm run build`)
    process.exitCode = 1
  },
)
