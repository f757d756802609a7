# SPDX-License-Identifier: MIT
# bash completion for holdover(1). The program itself says what can come next.

_holdover() {
  local cur words cword candidate before
  _get_comp_words_by_ref -n '=:,' cur words cword || return
  COMPREPLY=()
  # bash replaces only what stands behind the last = or : of the word.
  before=${cur%"${cur##*[=:]}"}
  while IFS= read -r candidate; do
    if [[ $candidate == :files ]]; then
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "${cur##*=}")
      return
    fi
    COMPREPLY+=("${candidate#"$before"}")
  done < <("${words[0]}" complete -- "${words[@]:1:cword}" 2>/dev/null)
  [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=,] ]] && compopt -o nospace
}
complete -F _holdover holdover
