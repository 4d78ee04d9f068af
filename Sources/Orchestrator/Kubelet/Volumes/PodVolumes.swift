import ContainerRuntime
import Glibc
import JSON
import Objects
import Runtime

/// The volumes of one pod on this machine's disk, below `<root>/pods/UID`.
struct PodVolumes: Sendable {
    let podDirectory: String

    init(root: String, uid: String) { podDirectory = "\(root)/pods/\(uid)" }

    func directory(_ volume: String) -> String { "\(podDirectory)/volumes/\(volume)" }

    /// The objects that the pod's volumes name.
    static func references(of pod: PodSpec) -> [ObjectKey] {
        pod.volumes.flatMap { VolumeFiles.references(of: $0, namespace: pod.namespace) }
    }

    /// Makes all volumes; may be called again, and then brings projected files up to date.
    func setUp(_ pod: PodSpec, fields: DownwardFields, objects: ReferencedObjects) throws(VolumeError) {
        try make(podDirectory, 0o750, volume: "")
        let group = pod.securityContext["fsGroup"].int
        for volume in pod.volumes {
            let name = volume["name"].string ?? ""
            if VolumeFiles.isProjection(volume) {
                let files = try VolumeFiles(of: volume, fields: fields, objects: objects)
                do throws(FileError) {
                    try AtomicDirectory(path: directory(name)).write(files.files, owner: group)
                } catch {
                    throw VolumeError(volume: name, problem: error.description)
                }
            } else if volume["hostPath"].object != nil {
                try checkHostPath(volume["hostPath"], volume: name)
            } else if volume["emptyDir"].object != nil || volume.members.count == 1 {
                try makeEmpty(volume["emptyDir"], volume: name, group: group)
            } else {
                let kind = volume.members.keys.first { $0 != "name" } ?? "none"
                throw VolumeError(
                    volume: name,
                    problem: "volume type \(kind) is not supported by this kubelet; emptyDir, hostPath, configMap, secret, downwardAPI and projected are")
            }
        }
    }

    /// Unmounts and removes everything. Returns false if something is left, so that it is tried again.
    func tearDown() -> Bool {
        for mount in Self.mounts(below: podDirectory).reversed() { _ = unsafe umount2(mount, Int32(MNT_DETACH)) }
        return TreeRemover.remove(podDirectory)
    }

    /// Mount points at or below `directory`, outermost first.
    private static func mounts(below directory: String) -> [String] {
        guard let table = try? HostFileSystem().text("/proc/self/mountinfo") else { return [] }
        return table.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ", maxSplits: 5)
            guard fields.count > 4 else { return nil }
            let point = String(fields[4])
            return point.hasPrefix("\(directory)/") ? point : nil
        }
    }

    // MARK: Kinds

    private func make(_ path: String, _ mode: mode_t, volume: String) throws(VolumeError) {
        do throws(FileError) { try HostFileSystem().makeDirectory(path, mode: 0o750) } catch {
            throw VolumeError(volume: volume, problem: error.description)
        }
        _ = unsafe chmod(path, mode)
    }

    private func makeEmpty(_ source: JSON, volume: String, group: Int?) throws(VolumeError) {
        let path = directory(volume)
        // A container's restart finds its files; only the pod's end removes them.
        let isNew = unsafe access(path, F_OK) != 0
        guard isNew else { return }
        try make("\(podDirectory)/volumes", 0o755, volume: volume)
        try make(path, 0o777, volume: volume)
        if source["medium"].string == "Memory" {
            var options = "mode=0777"
            if let limit = ContainerResources.quantity(source["sizeLimit"])?.value { options += ",size=\(limit)" }
            // Without the right to mount, a plain directory serves; only its speed and its limit are missing.
            _ = unsafe mount("tmpfs", path, "tmpfs", UInt(MS_NOSUID | MS_NODEV), options)
        }
        if let group {
            _ = unsafe chown(path, uid_t.max, gid_t(group))
            _ = unsafe chmod(path, 0o2777)
        }
    }

    private func checkHostPath(_ source: JSON, volume: String) throws(VolumeError) {
        let path = source["path"].string ?? ""
        let type = source["type"].string ?? ""
        var info = stat()
        var exists = unsafe stat(path, &info) == 0
        switch type {
        case "DirectoryOrCreate" where !exists:
            try make(path, 0o755, volume: volume)
            exists = unsafe stat(path, &info) == 0
        case "FileOrCreate" where !exists:
            let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
            guard descriptor >= 0 else { throw VolumeError(volume: volume, problem: FileError("make", path).description) }
            close(descriptor)
            exists = unsafe stat(path, &info) == 0
        default: break
        }
        let wanted: (name: String, bits: mode_t)? =
            switch type {
            case "Directory", "DirectoryOrCreate": ("a directory", S_IFDIR)
            case "File", "FileOrCreate": ("a file", S_IFREG)
            case "Socket": ("a socket file", S_IFSOCK)
            case "CharDevice": ("a character device", S_IFCHR)
            case "BlockDevice": ("a block device", S_IFBLK)
            default: nil
            }
        guard let wanted else {
            // The type "" asks for no check, but a mount needs something to bind.
            if !exists { try make(path, 0o755, volume: volume) }
            return
        }
        guard exists, info.st_mode & S_IFMT == wanted.bits else {
            throw VolumeError(volume: volume, problem: "hostPath type check failed: \(path) is not \(wanted.name)")
        }
    }

    // MARK: Mounts

    /// What is mounted into a container. `expand` resolves `$(NAME)` of subPathExpr.
    func mounts(of container: ContainerSpec, in pod: PodSpec, expand: (String) -> String) throws(ConfigurationError) -> [ContainerConfig.Mount] {
        var mounts: [ContainerConfig.Mount] = []
        for mount in container.volumeMounts {
            guard let name = mount["name"].string, let target = mount["mountPath"].string else { continue }
            guard let volume = pod.volumes.first(where: { $0["name"].string == name }) else {
                throw ConfigurationError("cannot find volume \"\(name)\" to mount into container \"\(container.name)\"")
            }
            let isProjection = VolumeFiles.isProjection(volume)
            var source = volume["hostPath"]["path"].string ?? directory(name)
            let part = mount["subPathExpr"].string.map(expand) ?? mount["subPath"].string ?? ""
            if !part.isEmpty { source = try subPath(part, of: source, mayCreate: !isProjection) }
            let isReadOnly = isProjection || mount["readOnly"].bool == true
            mounts.append(.init(source: source, target: target.hasPrefix("/") ? target : "/\(target)", isReadOnly: isReadOnly))
        }
        return mounts
    }

    private func subPath(_ part: String, of source: String, mayCreate: Bool) throws(ConfigurationError) -> String {
        guard VolumeFiles.isRelative(part) else { throw ConfigurationError("subPath \"\(part)\" must be a path inside the volume") }
        // The volume's content is the containers' own: a link in it must not lead out, so each step is looked at.
        guard let base = Self.real(source) else { throw ConfigurationError("failed to prepare subPath \"\(part)\": \(source) does not exist") }
        var path = base
        for step in part.split(separator: "/") where step != "." {
            let next = "\(path)/\(step)"
            if mayCreate { _ = unsafe mkdir(next, 0o750) }
            guard let real = Self.real(next), real.hasPrefix(base == "/" ? "/" : "\(base)/") else {
                throw ConfigurationError("failed to prepare subPath \"\(part)\": \(next) does not exist or leads out of the volume")
            }
            path = real
        }
        return path
    }

    private static func real(_ path: String) -> String? {
        guard let text = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(text) }
        return unsafe String(cString: text)
    }
}
