/** What operators look for in a ZooKeeper, as functions over a client or a data directory. */

export { benchRoot, clearGround, leftBehind, openGround } from './bench/ground.ts'
export { type BenchOperation, type BenchPlan, benchOperations } from './bench/operations.ts'
export { type BenchOptions, type BenchRange, type BenchResult, runBench } from './bench/run.ts'
export {
  compareTrees,
  placed,
  type TreeDifference,
  typeText,
  type WholeTree,
  type WholeZnode,
  withoutSystem,
  type ZnodeType,
} from './compare/compare.ts'
export { type ReadWhole, type ReadWholeOptions, type ReadZnode, readWhole } from './compare/read-whole.ts'
export { type DiagnosedServer, type DiagnoseOptions, type Diagnosis, diagnose } from './doctor/diagnose.ts'
export { findingsInDirectory, type Surroundings } from './doctor/directory.ts'
export { bySeverity, type Finding, type FindingName, findingNames, isWrong, type Severity } from './doctor/finding.ts'
export type { ServerFacts } from './doctor/server-facts.ts'
export { type SurveyedZnode, TreeSurvey } from './doctor/tree.ts'
export { PastDirectory, type Walked, type WalkOptions } from './history/past-directory.ts'
export { type Change, kindOf, type PastKind, PastTree, type PastZnode, ttlMsOf } from './history/past-tree.ts'
export {
  actsOf,
  differencesBetween,
  type HistoryEntry,
  type HistoryOptions,
  history,
  type PastDifference,
  type PastView,
  type SessionAct,
  treeAt,
} from './history/questions.ts'
export { exactly, oneOf, type Scope, within } from './history/scope.ts'
export { type Undo, undoOf } from './history/undo.ts'
export { type LineDiff, type MemberDiff, type ValueDiff, valueDiff } from './history/value-diff.ts'
export {
  AdminPageError,
  AdminPages,
  type AdminPagesOptions,
  type HttpGet,
  type HttpReply,
  type PageObject,
  type PageValue,
} from './live/admin-pages.ts'
export { askWord, type WordOptions, WordRefused } from './live/four-letter.ts'
export { type SessionAnswers, sessionsByPages, sessionsByWords, watchesByPages } from './live/read-sessions.ts'
export { remotePast } from './live/remote-past.ts'
export { type LiveConnection, type LiveSession, type SessionReport, sessionsOf } from './live/session.ts'
export { readWchc } from './live/session-words.ts'
export { aclEntryText, parseAclText, permissionsText } from './shell/acl-text.ts'
export {
  type Completes,
  type Completion,
  type CompletionOption,
  type CompletionVerb,
  commonStart,
  completionAt,
  offersFor,
} from './shell/completion.ts'
export { type CopyPlanOptions, planCopy } from './shell/copy-plan.ts'
export { type DeleteSubtreeOptions, deleteSubtree } from './shell/delete-subtree.ts'
export { clientConfiguration } from './shell/ensemble-text.ts'
export { type FindConditions, type GrepHit, grepLines, isFound } from './shell/find.ts'
export { JsonTextError, jsonDelete, jsonGet, jsonSet, pointerNames } from './shell/json-text.ts'
export { resolvePath } from './shell/path-text.ts'
export { globPattern, parseDuration, textPattern } from './shell/pattern.ts'
export { deleteQuota, type HeldQuota, QuotaPlaceError, readQuota, writeQuota } from './shell/quota.ts'
export { type QuotaValues, quotaPaths, quotaRoot, quotaText } from './shell/quota-text.ts'
export { parseOperation } from './shell/transaction-text.ts'
export { type SubtreeUsage, usageOf } from './shell/usage.ts'
export { type CompressedFormat, hexDump, type ValueView, viewValue } from './shell/value-view.ts'
export { type DeniedZnode, type WalkedZnode, type WalkSubtreeOptions, walkSubtree } from './shell/walk.ts'
export { commandsOf, isOpen, OpenQuoteError, quoted, type Word, wordsOf } from './shell/words.ts'
export type { SeenTree, SeenZnode } from './structures/directory.ts'
export { readSeen, type Seen } from './structures/read-seen.ts'
export { recognise } from './structures/recognise.ts'
export type { Layout, Party, Structure, StructureKind, Waiter } from './structures/structure.ts'
export { type Cycle, cyclesOf, type Edge, edgesOf } from './structures/waiting.ts'
export { type ApplyOptions, applySteps, PartlyDone } from './transfer/apply.ts'
export {
  type ExportedTree,
  type ExportedZnode,
  ExportFileError,
  exportLines,
  parseExport,
} from './transfer/export-file.ts'
export { type Foreseen, type ForeseeOptions, foresee, type Refusal } from './transfer/foresee.ts'
export { type ImportPlan, type PlanOptions, planImport } from './transfer/plan.ts'
export type { WriteStep } from './write-step.ts'
