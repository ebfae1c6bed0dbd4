import { describe, expect, test } from 'vitest'
import { JaasError, parseJaas } from './jaas.ts'
import { jaasUsers } from './jaas-users.ts'

const digest = 'org.apache.zookeeper.server.auth.DigestLoginModule'
const problem = (text: string, read: (text: string) => unknown = parseJaas): string => {
  try {
    read(text)
    return 'no problem'
  } catch (error) {
    if (!(error instanceof JaasError)) throw error
    return error.message
  }
}

describe('a JAAS file', () => {
  test('has sections of modules with options', () => {
    const sections = parseJaas(`
      // for clients
      Server {
        a.B required
          one="1" two="two words"
          three=three;
        c.D Optional; /* no
                         options */
      };
      "Other one" { };
    `)
    expect([...sections.keys()]).toEqual(['Server', 'Other one'])
    const [first, second] = sections.get('Server') ?? []
    expect([first?.name, first?.flag, first?.line]).toEqual(['a.B', 'required', 4])
    expect([...(first?.options ?? [])]).toEqual([
      ['one', '1'],
      ['two', 'two words'],
      ['three', 'three'],
    ])
    expect([second?.name, second?.flag, second?.options.size]).toEqual(['c.D', 'optional', 0])
    expect(sections.get('Other one')).toEqual([])
  })

  test('has the escapes of Java in quotes', () => {
    const [module] = parseJaas(String.raw`S { m required a="q\"\\\n\t\101\7x" b="it's b"; };`).get('S') ?? []
    expect([...(module?.options.values() ?? [])]).toEqual(['q"\\\n\tA\x07x', "it's b"])
  })

  test('has the last value of an option that is there twice', () => {
    expect(parseJaas('S { m required a="1" a="2"; };').get('S')?.[0]?.options.get('a')).toBe('2')
  })

  test('may be empty', () => {
    expect(parseJaas(' // nothing\n').size).toBe(0)
  })

  const secret = 'hunter2'
  test.each([
    ['{', 'line 1: there is {, expected the name of a section'],
    ['\nServer', 'line 2: the file ends, expected {'],
    ['Server { m required', 'line 1: the file ends, expected an option of m, or ;'],
    [`Server { m required a="${secret}" }`, 'line 1: there is }, expected an option of m, or ;'],
    [`Server { m required a="${secret}"; }`, 'line 1: the file ends, expected ;'],
    [`Server { m a="${secret}"; };`, 'line 1: there is text, expected one of required'],
    [`Server { m required a "${secret}"; };`, 'line 1: there is text, expected = behind the option a'],
    [`Server { m required a=; };`, 'line 1: there is ;, expected what a is set to, in double quotes'],
    [`Server { m required a="${secret}\n"; };`, 'line 1: a text in double quotes that does not end on its line'],
    [`Server { m required a="${secret}`, 'line 1: a text in double quotes that does not end on its line'],
    ['Server { m required a=1; };', 'line 1: text that begins like a number, which must stand in double quotes'],
    [`Server { m required a='${secret}'; };`, 'line 1: a character that must stand in double quotes: "\'"'],
    ['Server { m required a=b!c; };', 'line 1: a character that must stand in double quotes: "!"'],
    ['Server { m required a="${user.home}"; };', 'line 1: the option a holds a Java property, ${…}'],
    ['/* x', 'line 1: a comment that does not end'],
    ['A { }; A { };', 'line 1: the section A is there a second time'],
  ])('that is %j is refused', (text, why) => {
    expect(problem(text)).toContain(why)
    expect(problem(text)).not.toContain(secret)
  })
})

describe('the users of a server', () => {
  test('are the options that begin with user_, of its section alone', () => {
    const users = jaasUsers(
      `Client { ${digest} required username="x" password="y"; };
       Server { ${digest} required user_bob="b" user_ünal="ü" debug="true"; ${digest} optional user_ann="a"; };`,
    )
    expect(users?.names).toEqual(['bob', 'ünal', 'ann'])
    expect(['bob', 'ünal', 'ann', 'debug', 'x'].map((name) => users?.passwordOf(name))).toEqual([
      'b',
      'ü',
      'a',
      undefined,
      undefined,
    ])
  })

  test('are in the section that is asked for, and there are none where it is missing', () => {
    const text = `Mine { ${digest} required user_bob="b"; };`
    expect(jaasUsers(text)).toBeUndefined()
    expect(jaasUsers(text, 'Mine')?.size).toBe(1)
  })

  test('are not shown by what prints objects', () => {
    const users = jaasUsers(`Server { ${digest} required user_bob="hunter2"; };`)
    expect(JSON.stringify({ users })).not.toContain('hunter2')
  })

  test('are refused where the section asks for Kerberos, or for a module that is not known', () => {
    const read = (text: string): unknown => jaasUsers(text)
    const kerberos = 'Server {\n com.sun.security.auth.module.Krb5LoginModule required keyTab="/etc/k"; };'
    expect(problem(kerberos, read)).toMatch(/^line 2: the section Server asks for Kerberos .*does not speak/)
    expect(problem('Server { my.Module required; };', read)).toMatch(/asks for my.Module; this server knows .*Digest/)
    // Of no concern here.
    expect(problem(kerberos.replace('Server', 'Client'), read)).toBe('no problem')
  })
})

test('whatever a file holds, it is read or refused, and in time', () => {
  const whole = `Server { ${digest} required user_bob="b\\"\\101" /* x */ a=b; }; // end\n`
  const odd = ['"', '\\', '{', '}', ';', '=', '/*', '//', "'", '\n', '1', '-', '${', 'é', '\u{1f600}', '\0', ' ']
  let seed = 7
  const below = (n: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return seed % n
  }
  let refused = 0
  for (let i = 0; i < 5_000; i++) {
    let text = whole
    for (let times = below(4); times >= 0; times--) {
      const at = below(text.length + 1)
      text = text.slice(0, at) + (odd[below(odd.length)] ?? '') + text.slice(at + below(3))
    }
    try {
      jaasUsers(text)
    } catch (error) {
      if (!(error instanceof JaasError)) throw error
      refused++
    }
  }
  expect(refused).toBeGreaterThan(1_000)
})
