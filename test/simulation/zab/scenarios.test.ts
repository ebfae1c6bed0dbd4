/** Each scenario leaves what its file says. `npx vitest run --project simulation -u test/simulation/zab/scenarios` writes it anew, to be read. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { play } from './scenario.ts'

const folder = join(import.meta.dirname, 'scenarios')
const files = readdirSync(folder).filter((file) => file.endsWith('.txt'))

test.each(files)('%s', async (file) => {
  const path = join(folder, file)
  await expect(play(readFileSync(path, 'utf8'))).toMatchFileSnapshot(path)
})
