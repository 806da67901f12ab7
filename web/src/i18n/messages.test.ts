import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import en from './en'
import type { Messages } from './locales'
import zhCn from './zh-CN'

const source = join(import.meta.dirname, '..')

function leaves(messages: Messages, prefix = ''): Map<string, string> {
  const found = new Map<string, string>()
  for (const [key, value] of Object.entries(messages)) {
    const path = prefix ? `${prefix}.${key}` : key
    if (typeof value === 'string') found.set(path, value)
    else for (const [inner, text] of leaves(value, path)) found.set(inner, text)
  }
  return found
}

function files(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? files(path) : /\.(vue|ts)$/.test(name) && !name.endsWith('.test.ts') ? [path] : []
  })
}

const chinese = leaves(zhCn)
const english = leaves(en)
// Once each: an English plural names its value in both forms.
const parameters = (text: string) => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]))].sort()

describe('messages', () => {
  it('have the same keys in both languages', () => {
    expect([...english.keys()].sort()).toEqual([...chinese.keys()].sort())
  })

  it('ask for the same values in both languages', () => {
    const differing = [...chinese].filter(([key, text]) => String(parameters(text)) !== String(parameters(english.get(key) ?? '')))
    expect(differing).toEqual([])
  })

  it('are not empty', () => {
    expect([...chinese, ...english].filter(([, text]) => !text.trim())).toEqual([])
  })

  it('are Chinese in the Chinese file and not in the English one', () => {
    const han = /\p{Script=Han}/u
    const ownNames = new Set(['shell.otherLanguage', 'shell.switchLanguage', 'connection.otherLanguage', 'accounts.localeName.zh-CN', 'accounts.localeName.en'])
    expect([...english].filter(([key, text]) => han.test(text) && !ownNames.has(key))).toEqual([])
  })

  it('exist for every key a page names', () => {
    const unknown: string[] = []
    for (const path of files(source)) {
      for (const [, key] of readFileSync(path, 'utf8').matchAll(/\bt\(\s*'([^']+)'/g)) {
        if (key && !chinese.has(key)) unknown.push(`${path}: ${key}`)
      }
    }
    expect(unknown).toEqual([])
  })

  it('exist for every title of a route', () => {
    const titles = [...readFileSync(join(source, 'router.ts'), 'utf8').matchAll(/title: '([^']+)'/g)].map((match) => match[1] ?? '')
    expect(titles.length).toBeGreaterThan(10)
    expect(titles.filter((key) => !chinese.has(key))).toEqual([])
  })
})
