import { afterEach, expect, test, vi } from 'vitest'
import { environmentVariable } from './environment.ts'
import { environmentLog } from './log.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

test('a host that refuses to show its environment is one without variables', () => {
  const refuse = (): never => {
    throw new Error('NotCapable: Requires env access')
  }
  vi.stubGlobal('process', { ...process, env: new Proxy({}, { get: refuse }) })
  expect(environmentVariable('LIGHTKEEPER_LOG')).toBeUndefined()
  environmentLog()('error', 'nothing is printed')
})
