import { describe, expect, test } from 'vitest'
import { ConfigError } from './config-error.ts'
import { parseProperties } from './java-properties.ts'
import { atLeast, decoded, exactlyYes, looseBoolean, notNo, parsedInt, strictBoolean } from './java-values.ts'

describe('a file in the format of java.util.Properties', () => {
  test.each<[string, [string, string][]]>([
    ['a=b', [['a', 'b']]],
    ['a = b ', [['a', 'b']]],
    ['a:b', [['a', 'b']]],
    ['a b', [['a', 'b']]],
    ['a\t \f: \tb', [['a', 'b']]],
    ['a==b', [['a', '=b']]],
    ['a : = b', [['a', '= b']]],
    ['a', [['a', '']]],
    ['a=', [['a', '']]],
    ['=b', [['', 'b']]],
    ['  # no\n\t! no\r\n\n a=b', [['a', 'b']]],
    ['a=b # c', [['a', 'b # c']]],
    ['a=b\\\n   c', [['a', 'bc']]],
    [
      'a=b\\\r\n   c\rd=e',
      [
        ['a', 'bc'],
        ['d', 'e'],
      ],
    ],
    [
      'a=b\\\\\nc=d',
      [
        ['a', 'b\\'],
        ['c', 'd'],
      ],
    ],
    ['a=b\\\n# c', [['a', 'b# c']]],
    [
      'a=b\\\n\nc=d',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    ['\\\n# no\na=b', [['a', 'b']]],
    ['a=b\\', [['a', 'b']]],
    ['# no \\\na=b', [['a', 'b']]],
    ['a\\=b\\:c\\ d=e', [['a=b:c d', 'e']]],
    ['\\u0061=\\u00fc\\t\\q', [['a', 'ü\tq']]],
    ['a=C:\\data', [['a', 'C:data']]],
    ['a=\u00a0b\u00a0', [['a', '\u00a0b\u00a0']]],
    ['\uFEFFa=b', [['a', 'b']]],
    [
      'constructor=1\n__proto__=2',
      [
        ['constructor', '1'],
        ['__proto__', '2'],
      ],
    ],
    ['a=${HOME}/b ${user.name}', [['a', '${HOME}/b ${user.name}']]],
    ['', []],
  ])('%j', (content, pairs) => {
    expect(parseProperties(content).map(([key, value]) => [key, value])).toEqual(pairs)
  })
  test('has \\u with four digits behind it', () => {
    expect(() => parseProperties('dataDir=C:\\users')).toThrow(ConfigError)
    expect(() => parseProperties('dataDir=C:\\users')).toThrow(/^dataDir has \\u without/)
  })
})

describe('a value as Java reads it', () => {
  const outcome = (
    read: (value: string, key: string, note: (text: string) => void) => unknown,
    value: string,
  ): unknown => {
    try {
      return read(value, 'key', () => {})
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError)
      return 'refused'
    }
  }
  test.each([
    ['7', 7, 7],
    ['+7', 7, 7],
    ['-7', -7, -7],
    ['-0', 0, 0],
    ['007', 7, 7],
    ['010', 10, 8],
    ['08', 8, 'refused'],
    ['0x10', 'refused', 16],
    ['#10', 'refused', 16],
    ['-0XfF', 'refused', -255],
    ['2147483647', 2147483647, 2147483647],
    ['2147483648', 'refused', 2147483648],
    ['1e3', 'refused', 'refused'],
    ['1.0', 'refused', 'refused'],
    ['1_000', 'refused', 'refused'],
    ['1000 # c', 'refused', 'refused'],
    ['', 'refused', 'refused'],
    ['\u00a07', 'refused', 'refused'],
  ])('number %j: parseInt %s, decode %s', (value, asInt, asDecoded) => {
    expect([outcome(parsedInt, value), outcome(decoded, value)]).toEqual([asInt, asDecoded])
  })
  test.each([
    ['true', true, true, true, false],
    ['TRUE', true, true, true, false],
    ['False', false, false, true, false],
    ['yes', 'refused', false, true, true],
    ['no', 'refused', false, false, false],
    ['No', 'refused', false, true, false],
    ['1', 'refused', false, true, false],
    ['', 'refused', false, true, false],
  ])('switch %j: strict %s, loose %s, not no %s, exactly yes %s', (value, strict, loose, isNotNo, isYes) => {
    const reads = [strictBoolean, looseBoolean, notNo, exactlyYes]
    expect(reads.map((read) => outcome(read, value))).toEqual([strict, loose, isNotNo, isYes])
  })
  test('that is raised is said once, with the reason for a comment behind a value', () => {
    const notes: string[] = []
    expect(atLeast(3, parsedInt)('1', 'autopurge.snapRetainCount', (text) => notes.push(text))).toBe(3)
    expect(notes).toEqual(['autopurge.snapRetainCount=1 counts as 3, as in Apache'])
    expect(() => parsedInt('2000 # ms', 'tickTime')).toThrow(/tickTime is "2000 # ms".*comment behind a value/)
  })
})
