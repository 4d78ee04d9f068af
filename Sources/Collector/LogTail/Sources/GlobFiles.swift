import Runtime
import Telemetry

/// Plain files by their paths, each with its rotated siblings.
final class GlobFiles: SourceFinder {
    struct Options: Sendable {
        var paths: [String]
        var exclude: [String] = []
        var labels = Labels()
        /// Settings as a pod's annotations have them.
        var settings: [String: String] = [:]
        var startsAtEnd = false
        var ignoreOlder: Int64?
        var form = LineAssembler.Form.plain
        /// Symbolic links are followed if they lead to a file below one of these directories; else they are passed over.
        var linksWithin: [String] = []
    }

    /// Directories that one look goes through, at most; `**` could name a whole disk.
    private static let maximumDirectories = 10_000
    private static let maximumFiles = 100_000
    /// Directories that inotify watches for us; with more, or more files than `quickFiles`, looking each second must do.
    private static let maximumWatches = 256
    private static let quickFiles = 1000

    private let options: Options
    private let globs: [Glob]
    private let excluded: [Glob]
    /// By path, with what it leads to.
    private var sources: [String: (real: String, source: LogSource)] = [:]
    /// A link's target may change where nobody looks.
    private var hasLinks = false
    private var lastLook: Int64?
    private var watched: Set<String> = []
    /// The directories that the last look went through, and when they changed last; nil of one that was not there.
    private var directories: [String: Int64?] = [:]

    init(_ options: Options) {
        self.options = options
        globs = options.paths.map(Glob.init)
        excluded = options.exclude.map(Glob.init)
    }

    func find(_ context: FinderContext) -> [LogSource]? {
        // Looking each second is complete, and cheap for what people name. A file that comes and goes within a second is seen since
        // the directories are watched.
        let isQuick = context.isHinted && sources.count <= Self.quickFiles
        if let lastLook, !isQuick, context.now - lastLook < 1_000_000_000, context.now >= lastLook { return nil }
        lastLook = context.now
        guard !isUnchanged(context) || hasLinks else { return nil }
        directories = [:]
        var found: Set<String> = []
        var visited = 0
        for glob in globs { walk(glob.parts[...], "", context, &found, &visited) }
        let paths = found.filter { path in !excluded.contains { $0.matches(path) } && !isRotated(path, found) }
        var changed = false
        hasLinks = false
        for path in paths {
            let real = Self.resolved(path)
            if real != path { hasLinks = true }
            // A file that is found by its own name too is followed by that.
            if real != path, paths.contains(real) { continue }
            // A link that leads elsewhere now is another source; the old one is read to its end.
            guard sources[path]?.real != real else { continue }
            sources[path] = (real, source(path, real, context))
            changed = true
        }
        for (path, known) in sources where !paths.contains(path) || (known.real != path && paths.contains(known.real)) {
            sources[path] = nil
            changed = true
        }
        return changed ? sources.values.map(\.source).filter { !$0.directory.isEmpty } : nil
    }

    /// Whether no directory that matters has changed since the last look, nor so recently that a change could hide.
    private func isUnchanged(_ context: FinderContext) -> Bool {
        guard !directories.isEmpty else { return false }
        return directories.allSatisfy { path, seen in
            let modified = (try? context.fileSystem.status(path))?.modified
            return modified == seen && (modified.map { context.now - $0 >= 2_000_000_000 } ?? true)
        }
    }

    private func visit(_ path: String, _ context: FinderContext) {
        if directories[path] == nil { directories[path] = .some((try? context.fileSystem.status(path))?.modified) }
    }

    /// What is to come into a directory that is not there is told by the nearest one above it that is.
    private func watchAbove(_ path: String, _ context: FinderContext) {
        var above = path
        while !above.isEmpty {
            above = Self.split(above).directory
            guard context.fileSystem.exists(above.isEmpty ? "/" : above) else { continue }
            visit(above.isEmpty ? "/" : above, context)
            if watched.count < Self.maximumWatches, watched.insert(above).inserted { context.hint.watch(above.isEmpty ? "/" : above) }
            return
        }
    }

    private func walk(_ parts: ArraySlice<String>, _ path: String, _ context: FinderContext, _ found: inout Set<String>, _ visited: inout Int) {
        guard let part = parts.first else {
            if found.count < Self.maximumFiles { found.insert(path) }
            return
        }
        let rest = parts.dropFirst()
        if !Glob.hasMark(part) {
            let next = "\(path)/\(part)"
            // One that is named to the end comes and goes in its directory; those above it matter only while they are not there.
            if rest.isEmpty { visit(path.isEmpty ? "/" : path, context) }
            if !rest.isEmpty || context.fileSystem.exists(next) { walk(rest, next, context, &found, &visited) }
            return
        }
        visited += 1
        guard visited <= Self.maximumDirectories else { return }
        visit(path.isEmpty ? "/" : path, context)
        guard let names = try? context.fileSystem.list(path.isEmpty ? "/" : path) else {
            watched.remove(path)
            watchAbove(path, context)
            return
        }
        if watched.count < Self.maximumWatches, watched.insert(path).inserted { context.hint.watch(path.isEmpty ? "/" : path) }
        if part == "**" { walk(rest, path, context, &found, &visited) }
        for name in names where part == "**" || Glob.matches(part, name) {
            // A hidden name must be asked for.
            if name.hasPrefix("."), !part.hasPrefix(".") { continue }
            let next = "\(path)/\(name)"
            if part == "**" {
                // Links are not followed on the way down: they could lead round in a circle.
                if linkTarget(next) == nil, (try? context.fileSystem.status(next))?.isDirectory == true { walk(parts, next, context, &found, &visited) }
            } else {
                walk(rest, next, context, &found, &visited)
            }
        }
    }

    /// Whether the path is what another one of those found rotates to.
    private func isRotated(_ path: String, _ found: Set<String>) -> Bool {
        let (directory, name) = Self.split(path)
        var base = name[...]
        if base.hasSuffix(".gz") {
            base = base.dropLast(3)
            if found.contains("\(directory)/\(base)") { return true }
        }
        // Try each shorter beginning: `app.log.1`, `app.log-20261124`, `app-20261124.log`.
        for index in base.indices.reversed() where base[index] == "." || base[index] == "-" {
            let candidates =
                [String(base[..<index])] + (base.lastIndex(of: ".").map { $0 > index ? [base[..<index] + base[$0...]].map(String.init) : [] } ?? [])
            for candidate in candidates where found.contains("\(directory)/\(candidate)") && FileNaming.named(candidate).parse(name)?.rotation != nil {
                return true
            }
        }
        return base.hasSuffix(".tmp")
    }

    private static func split(_ path: String) -> (directory: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        return (String(path[..<slash]), String(path[path.index(after: slash)...]))
    }

    /// What a path leads to, by its own last part.
    private static func resolved(_ path: String) -> String {
        var real = path
        for _ in 0..<8 {
            guard let target = linkTarget(real) else { break }
            real = target.hasPrefix("/") ? target : "\(split(real).directory)/\(target)"
        }
        return real
    }

    private func source(_ path: String, _ real: String, _ context: FinderContext) -> LogSource {
        var labels = options.labels
        if let name = ContainerLink(Self.split(path).name) {
            labels = Labels(labels.list.map { ($0.name, $0.value) } + name.labels.list.map { ($0.name, $0.value) })
        }
        let isLink = real != path
        let isAllowed = !isLink || (!real.contains("/../") && options.linksWithin.contains { real.hasPrefix("\($0)/") })
        let (directory, name) = Self.split(real)
        if !isLink || !labels["pod"].isEmpty { labels["filename"] = path } else { labels["filename"] = real }
        // A source without a directory is not followed; it is kept so that it is not examined again.
        return LogSource(
            key: isLink ? "file:\(path) -> \(real)" : "file:\(path)", directory: isAllowed ? directory : "", naming: .named(name), form: options.form,
            labels: labels, origin: "file:\(real)",
            options: context.resolve(labels, options.settings), startsAtEnd: options.startsAtEnd,
            ignoreOlder: options.ignoreOlder)
    }
}

/// The name of a link in /var/log/containers: `POD_NAMESPACE_CONTAINER-ID.log`.
struct ContainerLink: Hashable, Sendable {
    var labels: Labels

    init?(_ name: String) {
        let parts = name.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[2].hasSuffix(".log"), parts[2].utf8.count > 69 else { return nil }
        let last = parts[2].dropLast(4)
        let id = last.suffix(64)
        guard id.utf8.allSatisfy({ $0 &- 48 < 10 || $0 &- 97 < 6 }), last.dropLast(64).last == "-" else { return nil }
        labels = Labels([
            ("pod", String(parts[0])), ("namespace", String(parts[1])), ("container", String(last.dropLast(65))), ("container_id", String(id.prefix(12))),
        ])
    }
}
