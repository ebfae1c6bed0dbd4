/** Where the shell prints something else than zkCli, and why. */

export interface Difference {
  readonly commands: RegExp
  readonly reason: string
  readonly theirs: RegExp
  /** What ours prints instead; both are the lines of one command, joined by line ends. */
  readonly ours: RegExp
}

/** The sentences of zkCli for errors, and the codes that ours prints before its own sentence. */
const sentences = {
  'Node does not exist: ': 'NO_NODE',
  'Node already exists: ': 'NODE_EXISTS',
  'Node not empty: ': 'NOT_EMPTY',
  'version No is not valid : ': 'BAD_VERSION',
  'Insufficient permission : ': 'NO_AUTH',
  'Acl is not valid : ': 'INVALID_ACL',
} as const

/** What ours would print for the lines of zkCli where only the words differ: errors by their code, an ACL entry as setAcl takes it. */
export function inOurWords(command: string, lines: readonly string[]): string[] {
  const words: string[] = []
  for (const line of lines) {
    const entry = /^: (\w*)$/.exec(line)
    const id = entry === null ? null : /^'([^,]*),'(.*)$/.exec(words.at(-1) ?? '')
    const sentence = Object.keys(sentences).find((each) => line.startsWith(each)) as keyof typeof sentences | undefined
    if (entry !== null && id !== null) words[words.length - 1] = `${id[1]}:${id[2]}:${entry[1]}`
    else if (sentence !== undefined)
      words.push(`${command.split(' ')[0]}: ${sentences[sentence]}: … ${line.slice(sentence.length)}`)
    else words.push(line)
  }
  return words
}

/** An error of ours without its own sentence. */
export function withoutSentence(line: string): string {
  return line.replace(/^(\w+: [A-Z_]+: ).* \(\w+ (\/.*)\)$/, '$1… $2')
}

export const differences: readonly Difference[] = [
  {
    commands: /^version$/,
    reason: 'Each names itself. Ours prints nothing at its start where no terminal reads it.',
    theirs: /Welcome to ZooKeeper!\n.*\nZooKeeper CLI version: 3\.9/,
    ours: /^lightkeeper \d/,
  },
  {
    commands: /^create bad x$/,
    reason: 'In ours a path may be relative to the current znode.',
    theirs: /^Path must start with \/ character$/,
    ours: /^Created \/bad$/,
  },
  {
    commands: /^create -t 100000 -e/,
    reason: 'Both refuse; ours names the options.',
    theirs: /^TTLs cannot be used with Ephemeral znodes$/,
    ours: /^create: a time to live is for persistent znodes: --ttl goes with neither/,
  },
  {
    commands: /^create .* world:anyone:zz$/,
    reason: 'Ours refuses an unknown permission. zkCli leaves it out, and creates a znode that nobody may read.',
    theirs: /^Unknown perm type: z\n.*\nCreated /,
    ours: /^create: ACL must be SCHEME:ID:PERMS, .* is not a permission/,
  },
  {
    commands: /^get \/cli\/empty$/,
    reason: 'No data is printed as an empty line: "null" may be the data of a znode.',
    theirs: /^null$/,
    ours: /^$/,
  },
  {
    commands: /^setAcl \/acl bad:acl$/,
    reason: 'Ours refuses a wrong entry before it sends anything.',
    theirs: /does not have the form scheme:id:perm\n/,
    ours: /^setAcl: ACL must be SCHEME:ID:PERMS, .* is not SCHEME:ID:PERMS$/,
  },
  {
    commands: /^addWatch -m NONSENSE/,
    reason: 'Ours names the wrong value.',
    theirs: /^addWatch \[-m mode\] path/,
    ours: /^addWatch: --mode must be PERSISTENT or PERSISTENT_RECURSIVE, not "NONSENSE"$/,
  },
  {
    commands: /^removewatches \/wr -r$/,
    reason: 'zkCli does not find the watch that its own addWatch has left; ours takes it away.',
    theirs: /^KeeperErrorCode = No such watcher for \/wr$/,
    ours: /^$/,
  },
  {
    commands: /^removewatches /,
    reason: 'The same in the words of ours.',
    theirs: /^KeeperErrorCode = No such watcher for /,
    ours: /^removewatches: this shell has no such watch at /,
  },
  {
    commands: /^setquota -[nbNB] \d+ \/cli$/,
    reason: 'The same in the words of ours.',
    theirs: /^\[Warning\]: the count quota you create is less than the existing count:9$/,
    ours: /^there are 9 znodes already, more than the limit$/,
  },
  {
    commands: /^setquota -n 3 \/(cli\/box|nothing)$/,
    reason: 'The same in the words of ours.',
    theirs: /has a parent \/cli which has a quota$|^\/nothing does not exist\.$/,
    ours: /lies below \/cli, which has a quota$|^setquota: NO_NODE: … \/nothing$/,
  },
  {
    commands: /^listquota \/cli$/,
    reason: 'Ours does not print where the server keeps the quota.',
    theirs: /^absolute path is .*\nOutput quota for \/cli (.*)\nOutput stat for \/cli count=9,bytes=25$/,
    ours: /^Output quota for \/cli (.*)\nOutput stat for \/cli count=9,bytes=25$/,
  },
  {
    commands: /^(list|del)quota /,
    reason: 'A quota that does not exist is an error of ours, with exit code 1.',
    theirs: /quota for .* does not exist\.$|^Quota does not exist for /,
    ours: /^(list|del)quota: .* has no quota$/,
  },
  {
    commands: /^reconfig /,
    reason: 'Errors of ours begin with the code.',
    theirs: /^KeeperErrorCode = Reconfig is disabled$/,
    ours: /^reconfig: RECONFIG_DISABLED: /,
  },
  {
    commands: /^delete \/$/,
    reason: 'Errors of ours begin with the code.',
    theirs: /^Arguments are not valid : \/$/,
    ours: /^delete: BAD_ARGUMENTS: … \/$/,
  },
  {
    commands: /^redo 9999$/,
    reason: 'Ours names the wrong number.',
    theirs: /^Command index out of range$/,
    ours: /^redo: NUMBER must be one that history prints, not 9999$/,
  },
  {
    commands: /^create -c -e/,
    reason: 'Both refuse; ours names the options.',
    theirs: /^-c cannot be combined with -s or -e\./,
    ours: /^create: a container is neither ephemeral nor sequential: /,
  },
  {
    commands: /^stat -w \/nothing$/,
    reason: 'The server keeps the watch, which will report the creation: for ours that is no error.',
    theirs: /^stat: NO_NODE: … \/nothing$/,
    ours: /^\/nothing does not exist$/,
  },
  {
    commands: /^(set \/w|setAcl \/w|addauth)$/,
    reason: 'Ours says what is missing; zkCli prints all options.',
    theirs: /^(set path data|setAcl \[-s\]|addauth scheme auth$)/,
    ours: /^(set|setAcl|addauth): (DATA|ACL|SCHEME) is missing/,
  },
  {
    commands: /^setquota \/w$/,
    reason: 'Ours says what is missing, and prints no name of a class.',
    theirs: /^org\.apache\.commons\.cli\.MissingOptionException/,
    ours: /^setquota: .*limit.*--count, --bytes/,
  },
  {
    commands: /^listquota \/w$/,
    reason: 'Ours does not print where the server keeps the quota, and writes no limit that was never set.',
    theirs: /\nOutput quota for \/w count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=-1\nOutput stat for \/w (.*)$/,
    ours: /^Output quota for \/w count=-1,bytes=-1=;countHardLimit=-1\nOutput stat for \/w (.*)$/,
  },
  {
    commands: /^reconfig -file/,
    reason: 'Ours names the option.',
    theirs: /^Error processing \/nowhere\/zoo\.cfg/,
    ours: /^reconfig: --file must be a file that can be read, not "\/nowhere\/zoo\.cfg": /,
  },
  {
    commands: /^reconfig$/,
    reason: 'Ours says what is missing; zkCli prints all options.',
    theirs: /^reconfig \[-s\]/,
    ours: /^reconfig: needs either --add and --remove, or one of --members and --file$/,
  },
  {
    commands: /^sync$/,
    reason: 'Every path does the same, so ours needs none.',
    theirs: /^sync path$/,
    ours: /^Sync is OK$/,
  },
  {
    commands: /^printwatches maybe$/,
    reason: 'Ours refuses what is neither on nor off; zkCli takes it for off.',
    theirs: /^$/,
    ours: /^printwatches: STATE must be on or off, not "maybe"$/,
  },
  {
    commands: /^nonsense$/,
    reason: 'Ours does not print the list of all verbs with each mistake.',
    theirs: /^Command not found: Command not found nonsense$/,
    ours: /^nonsense: no such verb/,
  },
  {
    commands: /^get( -q \/w)?$/,
    reason: 'Ours prints one line, and no name of a class.',
    theirs: /^get \[-s\]|UnrecognizedOptionException/,
    ours: /^get: (PATH is missing|no option -q)/,
  },
  {
    commands: /^ls \/$/,
    reason: 'Behind close, ours is an error and says what to do.',
    theirs: /^Not connected$/,
    ours: /^ls: not connected: connect opens a session$/,
  },
  {
    commands: /^addauth nonsense x$/,
    reason: 'Ours says that the server has refused the identity and ended the connection.',
    theirs: /^$/,
    ours: /^addauth: AUTH_FAILED: /,
  },
]
