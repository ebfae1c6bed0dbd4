/** The files of the web application, read once and compressed when they are first asked for. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join, posix, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { WebFile, WebFiles } from '../gateway/app.ts'

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json',
}

/** The folder of the built application: beside the compiled gateway, also where the gateway runs from its sources. */
export const builtFolder = fileURLToPath(new URL('../../dist/web', import.meta.url))

/** @throws Error where the application is not built. */
export function webFiles(folder: string = builtFolder): WebFiles {
  if (!existsSync(join(folder, 'index.html'))) {
    throw new Error(
      `the web application of the console is not built: ${folder} has no index.html; in a checkout run: npm run build`,
    )
  }
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const extension = extname(entry)
    if (types[extension] === undefined) continue
    files.set(`/${entry.split(sep).join(posix.sep)}`, new Uint8Array(readFileSync(join(folder, entry))))
  }
  const page = new TextDecoder().decode(files.get('/index.html'))
  files.delete('/index.html')
  const compressed = new Map<string, Uint8Array<ArrayBuffer>>()
  return {
    page: (nonce): WebFile => ({
      body: page.replaceAll('__NONCE__', nonce),
      headers: { 'content-type': types['.html'] ?? '', 'cache-control': 'no-store' },
    }),
    file(path, accepts) {
      const bytes = files.get(path)
      if (bytes === undefined) return undefined
      const headers = {
        'content-type': types[extname(path)] ?? '',
        // The names of built files contain a hash of what they hold.
        'cache-control': path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
        vary: 'accept-encoding',
      }
      if (!/\bgzip\b/.test(accepts)) return { body: bytes, headers }
      const packed = compressed.get(path) ?? new Uint8Array(gzipSync(bytes))
      compressed.set(path, packed)
      return { body: packed, headers: { ...headers, 'content-encoding': 'gzip' } }
    },
  }
}
