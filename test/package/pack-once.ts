/** Around the lane: every package is packed, into .cache/pack, and there is a folder for projects that install the tarballs. */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packAll } from '../../scripts/pack.mjs'
import { projectsFile } from './installed.ts'

export default async function setup(): Promise<() => void> {
  await packAll()
  // Outside of the workspace, where nothing else is found.
  const projects = mkdtempSync(join(realpathSync(tmpdir()), 'lightkeeper-package-'))
  writeFileSync(projectsFile, JSON.stringify(projects))
  return () => rmSync(projects, { recursive: true, force: true })
}
