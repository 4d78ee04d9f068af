import Exposition
import Glibc
import NodeEndpoint
import NodeStats
import Runtime
import TestKit
import Testing

@Suite struct NodePageTests {
    /// The archives of NodeStats' tests, unpacked here without their symbolic links' targets being checked.
    private func unpack(_ name: String) throws -> TemporaryDirectory {
        let directory = TemporaryDirectory("page")
        let files = HostFileSystem()
        var path: String?
        var text = ""
        func makeParent(_ full: String) throws { try files.makeDirectory(String(full[..<full.lastIndex(of: "/")!]), mode: 0o755) }
        func flush() throws {
            guard let path else { return }
            try makeParent(directory.path + path)
            try files.write(directory.path + path, Array(text.utf8))
        }
        for line in try files.text("\(fixtures)/\(name).tree").split(separator: "\n", omittingEmptySubsequences: false) {
            guard line.hasPrefix("--- ") else {
                text += line + "\n"
                continue
            }
            try flush()
            (path, text) = (nil, "")
            let words = line.dropFirst(4).split(separator: " ")
            guard let arrow = words.firstIndex(of: "->") else {
                path = String(line.dropFirst(4))
                continue
            }
            let link = directory.path + words[..<arrow].joined(separator: " ")
            try makeParent(link)
            _ = unsafe symlink(String(words[arrow + 1]), link)
        }
        text = String(text.dropLast())
        try flush()
        return directory
    }

    private var fixtures: String {
        let here = "\(#filePath)"
        return here[..<here.lastIndex(of: "/")!] + "/../NodeStats/Fixtures/Node"
    }

    /// `UPDATE_GOLDEN=1` writes the pages anew; the change is then reviewed.
    private func check(_ name: String, _ text: String) throws {
        let path = "\(fixtures)/\(name)"
        let update: String? = unsafe getenv("UPDATE_GOLDEN").map { unsafe String(cString: $0) }
        if update == "1" { try HostFileSystem().write(path, Array(text.utf8)) }
        let expected = try HostFileSystem().text(path)
        let (new, old) = (text.split(separator: "\n"), expected.split(separator: "\n"))
        let difference = zip(new, old).first { $0 != $1 }
        #expect(difference == nil && new.count == old.count, "\(name): \(String(describing: difference)), \(new.count) lines of \(old.count)")
    }

    @Test(arguments: ["server", "virtual-machine"])
    func `the page of a recorded machine`(name: String) throws {
        let tree = try unpack(name)
        var options = NodeOptions()
        // These ask the running kernel, whatever the tree.
        options.disabled = ["uname", "time", "timex", "filesystem"]
        options.enabled = ["meminfo_numa", "buddyinfo", "interrupts", "ksmd"]
        options.textFileDirectory = tree.file("textfile")
        let metrics = NodeReader(root: tree.path, options: options).sample().metrics
        for (format, ending) in [(TextFormat.prometheus, "prom"), (.openMetrics, "openmetrics")] {
            let page = String(decoding: NodePage.print(metrics, format: format), as: UTF8.self)
            let steady = page.split(separator: "\n").filter { line in
                // How long it took, when the test laid the files out, and how many bytes a page of this machine has.
                !line.hasPrefix("node_scrape_collector_duration_seconds{") && !line.hasPrefix("node_textfile_mtime_seconds{")
                    && !line.hasPrefix("node_sockstat_TCP_mem_bytes") && !line.hasPrefix("node_sockstat_UDP_mem_bytes")
            }
            // Labels that hold a path hold the directory of this test.
            try check("\(name).\(ending)", steady.map { replaced(String($0), tree.path) }.joined(separator: "\n") + "\n")
        }
    }

    private func replaced(_ line: String, _ path: String) -> String {
        guard let start = line.firstRange(of: path) else { return line }
        return String(line[..<start.lowerBound]) + String(line[start.upperBound...])
    }

    @Test func `machine metrics of a server with two NUMA nodes`() throws {
        let tree = try unpack("server")
        let machine = MachineInfo(fileSystem: HostFileSystem(), root: tree.path)
        let page = MachineMetrics.families(of: machine, includingTopology: true)
        try check("server.machine", String(decoding: TextFormat.prometheus.print(page), as: UTF8.self))
        #expect(MachineMetrics.families(of: machine, includingTopology: false).count == page.count - 5)
    }

    @Test func `names with quotes, newlines and what is no UTF-8 are escaped`() throws {
        let tree = try unpack("server")
        try HostFileSystem().write(
            tree.file("proc/self/mountinfo"),
            Array("1 0 0:1 / /run/x\\012y rw - tmpfs /dev/a\"b\\134 rw\n2 0 0:2 / /run rw - tmpfs ".utf8) + [0xFF, 0xFE] + Array(" rw\n".utf8))
        let metrics = NodeReader(root: tree.path).sample().metrics
        let page = String(decoding: NodePage.print(metrics, format: .prometheus), as: UTF8.self)
        #expect(page.contains(#"node_filesystem_size_bytes{device="��",fstype="tmpfs",mountpoint="/run"}"#))
        #expect(
            page.contains(
                #"node_filesystem_device_error{device="/dev/a\"b\\",device_error="no such file or directory",fstype="tmpfs",mountpoint="/run/x\ny"} 1"#))
        #expect(page.contains(#"ifalias="uplink \"A\"""#))
    }
}
