/**
 * The page `past`, ours alone: the files in which the past of this server is, and their bytes. A program elsewhere (the command line, the
 * console) reads them as it would read a directory, and answers questions itself: the server only sends bytes.
 */
import type { HttpAnswer, HttpRequest } from '@lightkeeper/runtime'
import type { PastFiles } from '../storage/past-files.ts'
import { json } from './answers.ts'

/** Readers at once. Each holds some pieces in memory, and takes a share of the disk's time. */
const readersMax = 8

export class PastPage {
  #readers = 0

  /**
   * Without `file` in the query, the names and sizes. With it, `count` bytes of that file (default: all that follow) from `from` on
   * (default 0).
   */
  async answer(request: HttpRequest, past: PastFiles, query: ReadonlyMap<string, string>): Promise<HttpAnswer> {
    const name = query.get('file')
    if (name === undefined) {
      const files = await past.list()
      return json(200, 'past', { files: files.map(({ name: each, size }) => ({ name: each, size })) })
    }
    const file = await past.find(name)
    if (file === undefined) {
      return json(404, 'past', {
        error: `there is no log or snapshot ${JSON.stringify(name.slice(0, 100))}; old ones are removed as time goes on`,
      })
    }
    const from = numberIn(query, 'from', 0)
    const count = numberIn(query, 'count', file.size)
    if (from === undefined || count === undefined) {
      return json(400, 'past', { error: 'from and count must be whole numbers of bytes' })
    }
    if (this.#readers >= readersMax) {
      return json(429, 'past', { error: `${readersMax} readers of the past are served at once; try again` })
    }
    const length = Math.max(0, Math.min(count, file.size - from))
    return {
      status: 200,
      headers: {
        'content-type': 'application/octet-stream',
        'content-length': `${length}`,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      },
      body: request.method === 'HEAD' || length === 0 ? '' : this.#counted(past.content(name, from, length)),
    }
  }

  async *#counted(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, undefined> {
    this.#readers++
    try {
      yield* content
    } finally {
      this.#readers--
    }
  }
}

function numberIn(query: ReadonlyMap<string, string>, name: string, byDefault: number): number | undefined {
  const text = query.get(name)
  if (text === undefined) return byDefault
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
