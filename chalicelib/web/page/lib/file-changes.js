// What became of the files beside a DAG file between two versions.

/** @typedef {{ path: string, sha256: string, is_executable: boolean }} File */

/**
 * All files of both versions by path, each with a word for its change; empty without `before`.
 * @template {File} T
 * @param {T[]} files @param {T[] | null} before @returns {{ file: T, change: string }[]}
 */
export function compareFiles(files, before) {
  if (!before) return files.map((file) => ({ file, change: "" }));
  const own = new Map(files.map((file) => [file.path, file]));
  const other = new Map(before.map((file) => [file.path, file]));
  const paths = [...new Set([...own.keys(), ...other.keys()])].sort();
  return paths.map((path) => {
    const file = own.get(path);
    const old = other.get(path);
    return { file: /** @type {T} */ (file ?? old), change: changeOf(file, old) };
  });
}

/** @param {File | undefined} file @param {File | undefined} old */
function changeOf(file, old) {
  if (!old) return "added";
  if (!file) return "removed";
  if (file.sha256 !== old.sha256) return "changed";
  return file.is_executable === old.is_executable ? "" : "permissions changed";
}
