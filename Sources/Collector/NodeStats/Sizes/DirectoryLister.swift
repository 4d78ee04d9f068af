import CShims
import Glibc
import Runtime

/// Reads directories below a root that somebody else may change at any time: a container's root can swap a directory for
/// a link at any moment. So every open is relative to the root and refuses links and mount points.
struct DirectoryLister: DirectorySource {
    private let root: HostFile
    private let device: UInt64

    /// Nil if the root cannot be opened. A link at its end is refused.
    init?(_ path: String) {
        guard let root = try? HostFile(path, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW), let status = try? root.status() else { return nil }
        self.root = root
        device = status.device
    }

    func visit(
        _ path: [UInt8], linkLimit: Int, needsListing: (_ changed: Int64) -> Bool, pause: () -> Void
    ) -> DirectoryVisit {
        switch open(path) {
        case .gone: return .gone
        case .unreadable: return .unreadable
        case .open(let directory):
            guard needsListing(directory.changed) else { return .same }
            guard let listing = list(directory, linkLimit: linkLimit, pause: pause) else { return .unreadable }
            return .listed(listing, changed: directory.changed)
        }
    }

    /// A directory that is open.
    private struct Directory: ~Copyable {
        fileprivate let descriptor: Int32
        /// Nanoseconds since 1970 of the last change of its names.
        let changed: Int64
        fileprivate let blocks: UInt64
        deinit { close(descriptor) }
    }

    private enum Outcome: ~Copyable {
        case open(Directory)
        /// It is not there any more, or is a mount point or link now.
        case gone
        case unreadable
    }

    private func open(_ path: [UInt8]) -> Outcome {
        // A copy of the root's own descriptor would share its position.
        let name = path.isEmpty ? [UInt8(ascii: ".")] : path
        let descriptor = unsafe (name + [0]).withUnsafeBufferPointer { bytes in
            // NUL-terminated, alive for the call.
            unsafe bytes.withMemoryRebound(to: CChar.self) { unsafe binnacle_open_beneath(root.descriptor, $0.baseAddress!) }
        }
        switch descriptor {
        case 0...: break
        case -EACCES, -EPERM, -EMFILE, -ENFILE, -ENAMETOOLONG, -EIO, -EAGAIN: return .unreadable
        default: return .gone
        }
        var info = stat()
        guard unsafe fstat(descriptor, &info) == 0, UInt64(info.st_dev) == device else {
            close(descriptor)
            return .gone
        }
        return .open(Directory(descriptor: descriptor, changed: Self.modified(info), blocks: UInt64(info.st_blocks)))
    }

    /// All entries, without following links. `pause` is called now and then, for a directory may have a million of them.
    private func list(_ directory: borrowing Directory, linkLimit: Int, pause: () -> Void) -> DirectoryTree.Listing? {
        // closedir closes what it was given.
        let copy = fcntl(directory.descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { return nil }
        guard let stream = unsafe fdopendir(copy) else {
            close(copy)
            return nil
        }
        defer { unsafe closedir(stream) }
        var listing = DirectoryTree.Listing()
        listing.bytes = directory.blocks * 512
        var count = 0
        while let entry = unsafe readdir(stream) {
            count += 1
            if count % 256 == 0 { pause() }
            // d_name is a NUL-terminated array inside the entry, valid until the next readdir.
            unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
                unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe add($0, directory.descriptor, linkLimit, &listing) }
            }
        }
        return listing
    }

    /// Nanoseconds since 1970.
    private static func modified(_ info: stat) -> Int64 { Int64(info.st_mtim.tv_sec) * 1_000_000_000 + Int64(info.st_mtim.tv_nsec) }

    private func add(_ name: UnsafePointer<CChar>, _ descriptor: Int32, _ linkLimit: Int, _ listing: inout DirectoryTree.Listing) {
        let length = unsafe strlen(name)
        let isDots = unsafe name[0] == 0x2E && (length == 1 || (length == 2 && name[1] == 0x2E))
        if isDots { return }
        var info = stat()
        guard unsafe fstatat(descriptor, name, &info, AT_SYMLINK_NOFOLLOW) == 0, UInt64(info.st_dev) == device else { return }
        if info.st_mode & S_IFMT == S_IFDIR {
            listing.directories.append(unsafe Array(UnsafeRawBufferPointer(start: name, count: length)))
            return
        }
        let bytes = UInt64(info.st_blocks) * 512
        listing.newestWrite = max(listing.newestWrite, Self.modified(info))
        if info.st_nlink > 1, listing.links.count < linkLimit {
            listing.links.append(DirectoryTree.Link(inode: UInt64(info.st_ino), bytes: bytes))
        } else {
            listing.files += 1
            listing.bytes &+= bytes
        }
    }
}
