/** Temporary folders of a test file, removed after each of its tests. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'

/** To be called once, at the head of a file or of a `describe`; each call of the function it returns makes a folder. */
export function temporaryFolders(name: string): () => string {
  const folders: string[] = []
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
  })
  return () => {
    const folder = mkdtempSync(join(tmpdir(), `lightkeeper-${name}-`))
    folders.push(folder)
    return folder
  }
}
