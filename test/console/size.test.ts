/** What a browser has to load. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'

const built = fileURLToPath(new URL('../../packages/console/dist/web', import.meta.url))

test('the whole application is less than 300 kB, compressed as it is sent', () => {
  const sizes = readdirSync(built, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(
      (entry) => [entry.name, gzipSync(readFileSync(join(entry.parentPath ?? entry.path, entry.name))).length] as const,
    )
  expect(sizes.some(([name]) => name === 'index.html')).toBe(true)
  expect(sizes.reduce((sum, [, size]) => sum + size, 0)).toBeLessThan(300_000)
  // The first view needs neither the editor nor the charts.
  const first = sizes.filter(([name]) => name.startsWith('index'))
  expect(first.reduce((sum, [, size]) => sum + size, 0)).toBeLessThan(60_000)
})
