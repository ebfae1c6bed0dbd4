import { expect, test } from 'vitest'
import { clientConfiguration } from './ensemble-text.ts'

test('what clients need of a configuration', () => {
  const config = [
    'server.1=a:2888:3888:participant;10.0.0.1:2181',
    'server.2=b:2888:3888;2182',
    'server.3=c:2888:3888:observer;[fe80::1]:2181',
    'server.4=d:2888:3888',
    'version=100000003',
  ].join('\n')
  expect(clientConfiguration(config)).toBe('100000003 10.0.0.1:2181,0.0.0.0:2182,[fe80::1]:2181')
  expect(clientConfiguration('')).toBe(' ')
})
