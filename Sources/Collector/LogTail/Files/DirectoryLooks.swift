import Runtime

/// What one round has seen of directories: each is asked once, however many sources lie in it.
struct DirectoryLooks {
    private var modified: [String: Result<Int64, FileError>] = [:]
    private var names: [String: Result<[String], FileError>] = [:]

    mutating func modified(_ path: String, _ fileSystem: any FileSystem) throws(FileError) -> Int64 {
        if let known = modified[path] { return try known.get() }
        let result = Result { () throws(FileError) in try fileSystem.status(path).modified }
        modified[path] = result
        return try result.get()
    }

    /// The names in it that begin so; all are in order.
    mutating func names(_ path: String, _ prefix: String, _ fileSystem: any FileSystem) throws(FileError) -> ArraySlice<String> {
        let result: Result<[String], FileError>
        if let known = names[path] {
            result = known
        } else {
            result = Result { () throws(FileError) in try fileSystem.list(path).sorted() }
            names[path] = result
        }
        let all = try result.get()
        guard !prefix.isEmpty else { return all[...] }
        var (low, high) = (0, all.count)
        while low < high {
            let middle = (low + high) / 2
            if all[middle] < prefix { low = middle + 1 } else { high = middle }
        }
        return all[low...].prefix { $0.hasPrefix(prefix) }
    }
}
