import { MutationObserver, onlineManager } from '@tanstack/vue-query'
import { afterEach, describe, expect, it } from 'vitest'
import { queryClient } from './queries'

describe('while the browser thinks there is no network', () => {
  afterEach(() => onlineManager.setOnline(true))

  it('what is asked is answered, if only that nobody can be reached', async () => {
    onlineManager.setOnline(false)
    const unreachable = () => Promise.reject(new TypeError('Failed to fetch'))
    await expect(queryClient.fetchQuery({ queryKey: ['asked'], queryFn: unreachable, retry: false })).rejects.toThrow('Failed to fetch')
  })

  it('what is done fails at once instead of happening later', async () => {
    onlineManager.setOnline(false)
    const deed = new MutationObserver(queryClient, { mutationFn: () => Promise.reject(new TypeError('Failed to fetch')) })
    await expect(deed.mutate()).rejects.toThrow('Failed to fetch')
  })
})
