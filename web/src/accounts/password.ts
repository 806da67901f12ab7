/** What the service asks of a password, checked before it is sent. */

export const shortestPassword = 8

/** Message key of what is wrong with a new password and its repetition; null when nothing is. */
export function passwordFault(password: string, repeated: string): string | null {
  if (password.length < shortestPassword) return 'accounts.passwordShort'
  return password === repeated ? null : 'accounts.passwordsDiffer'
}
