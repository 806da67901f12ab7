/** The two steps of an import, as mutations. */
import { useMutation, useQueryClient } from '@tanstack/vue-query'
import { answer, api } from '../api/client'
import type { ImportReport, ImportResult, Kind } from './files'

export function useCheck() {
  return useMutation({
    mutationFn: ({ kind, file }: { kind: Kind; file: File }): Promise<ImportReport> => {
      const form = new FormData()
      form.append('kind', kind)
      form.append('file', file)
      return answer(api.POST('/api/imports', { body: { kind, file: file.name }, bodySerializer: () => form }))
    },
  })
}

export function useApply() {
  const cache = useQueryClient()
  return useMutation({
    mutationFn: (id: string): Promise<ImportResult> =>
      answer(api.POST('/api/imports/{import_id}/apply', { params: { path: { import_id: id } } })),
    onSuccess: () => cache.invalidateQueries(),
  })
}
