/** A client asked for more than its budget, in a request whose reply has no error for that: its connection is closed. */

export class OverBudget extends Error {
  override readonly name = 'OverBudget'
}
