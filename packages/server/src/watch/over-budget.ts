/** A client asked for more than its budget, in a way that no error of a reply can tell: its connection is closed. */

export class OverBudget extends Error {
  override readonly name = 'OverBudget'
}
