extension CgroupReader {
    func readIO(refreshes: Bool) {
        guard context.sets.contains(.diskIO) else { return }
        if context.layout.ioVersion == 1 {
            var devices = sample.devices
            let isThrottleCounted = bytes(.ioBytes, &devices)
            // Without bytes there are no operations; most cgroups never touch a disk.
            if !devices.isEmpty { counts(.ioCounts, &devices) }
            if refreshes, !isThrottleCounted {
                // Linux from 6.10 on counts in blkio.throttle only once a limit was set for the device, in any cgroup. Where
                // BFQ schedules the device it counts all the same.
                _ = bytes(.ioSchedulerBytes, &devices)
                if !devices.isEmpty { counts(.ioSchedulerCounts, &devices) }
            }
            if refreshes { readSchedulerCounts(&devices) }
            sample.devices = devices
        } else if let devices = read(.ioBytes, { bytes, problems in unified(bytes, &problems) }) {
            sample.devices = devices
        }
    }

    /// Whether the file has any device.
    private func bytes(_ file: CgroupFile, _ devices: inout [CgroupSample.DeviceIO]) -> Bool {
        var isCounted = false
        operations(file, &devices) { device, operation, value in
            isCounted = true
            switch operation {
            case .read: device.readBytes = value
            case .write: device.writeBytes = value
            case .sync: device.syncBytes = value
            case .async: device.asyncBytes = value
            case .discard: device.discardBytes = value
            case .total: break
            }
        }
        return isCounted
    }

    private func counts(_ file: CgroupFile, _ devices: inout [CgroupSample.DeviceIO]) {
        operations(file, &devices) { device, operation, value in
            switch operation {
            case .read: device.reads = value
            case .write: device.writes = value
            case .sync: device.syncs = value
            case .async: device.asyncs = value
            case .discard: device.discards = value
            case .total: break
            }
        }
    }

    /// What only some schedulers of v1 count.
    private func readSchedulerCounts(_ devices: inout [CgroupSample.DeviceIO]) {
        let files: [(CgroupFile, WritableKeyPath<CgroupSample.DeviceIO, [CgroupSample.NamedValue]>)] = [
            (.ioQueued, \.queued), (.ioMerged, \.merged), (.ioServiceTime, \.serviceTime), (.ioWaitTime, \.waitTime),
        ]
        for (file, field) in files {
            operations(file, &devices) { device, operation, value in
                let position = device[keyPath: field].firstIndex { $0.name == operation.rawValue }
                if let position {
                    device[keyPath: field][position].value = value
                } else {
                    device[keyPath: field].append(.init(operation.rawValue, value))
                }
            }
        }
        single(.sectors, &devices, \.sectors)
        // Milliseconds in the kernel's file, nanoseconds here.
        single(.ioTime, &devices, \.ioTime)
    }

    private enum Operation: String, CaseIterable {
        case read = "Read", write = "Write", sync = "Sync", async = "Async", discard = "Discard", total = "Total"
        static func of(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Operation? {
            if CgroupText.equals(bytes, range, "Read") { return .read }
            if CgroupText.equals(bytes, range, "Write") { return .write }
            if CgroupText.equals(bytes, range, "Sync") { return .sync }
            if CgroupText.equals(bytes, range, "Async") { return .async }
            if CgroupText.equals(bytes, range, "Discard") { return .discard }
            return CgroupText.equals(bytes, range, "Total") ? .total : nil
        }
    }

    /// Lines `MAJ:MIN Read N`, and a last one `Total N`.
    private func operations(
        _ file: CgroupFile, _ devices: inout [CgroupSample.DeviceIO], _ body: (inout CgroupSample.DeviceIO, Operation, UInt64) -> Void
    ) {
        _ = read(file) { bytes, problems in
            forEachDevice(bytes, &problems) { major, minor, lines, offset, problems in
                let start = offset
                CgroupText.skip(lines, to: CgroupText.space, at: &offset)
                guard let operation = Operation.of(lines, start..<offset), offset < lines.count, lines[offset] == CgroupText.space else { return }
                offset += 1
                guard offset < lines.count, let value = CgroupText.number(lines, at: &offset, &problems) else { return }
                body(&devices[position(major, minor, &devices)], operation, value)
            }
            return true
        }
    }

    /// Lines `MAJ:MIN N`.
    private func single(_ file: CgroupFile, _ devices: inout [CgroupSample.DeviceIO], _ field: WritableKeyPath<CgroupSample.DeviceIO, UInt64?>) {
        _ = read(file) { bytes, problems in
            forEachDevice(bytes, &problems) { major, minor, lines, offset, problems in
                guard let value = CgroupText.number(lines, at: &offset, &problems) else { return }
                devices[position(major, minor, &devices)][keyPath: field] = file == .ioTime ? value.multipliedSaturating(by: 1_000_000) : value
            }
            return true
        }
    }

    /// Lines `MAJ:MIN rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6 cost.usage=7 ...`, unknown keys skipped.
    private func unified(_ bytes: Span<UInt8>, _ problems: inout TextProblems) -> [CgroupSample.DeviceIO] {
        var devices: [CgroupSample.DeviceIO] = []
        // A cgroup that has done no I/O has an empty file.
        if bytes.count == 0 { return devices }
        forEachDevice(bytes, &problems) { major, minor, lines, offset, problems in
            var device = CgroupSample.DeviceIO(major: major, minor: minor, name: context.devices.name(major, minor, time: sample.time))
            while offset < lines.count, lines[offset] != CgroupText.lineFeed {
                let start = offset
                while offset < lines.count, lines[offset] != UInt8(ascii: "="), lines[offset] > CgroupText.space { offset += 1 }
                let key = start..<offset
                guard offset < lines.count, lines[offset] == UInt8(ascii: "=") else { break }
                offset += 1
                guard offset < lines.count, let value = CgroupText.number(lines, at: &offset, &problems) else { break }
                CgroupReader.set(&device, lines, key, value)
                CgroupText.skip(lines, to: CgroupText.space, at: &offset)
                if offset < lines.count, lines[offset] == CgroupText.space { offset += 1 }
            }
            devices.append(device)
        }
        return devices
    }

    private static func set(_ device: inout CgroupSample.DeviceIO, _ lines: Span<UInt8>, _ key: Range<Int>, _ value: UInt64) {
        if CgroupText.equals(lines, key, "rbytes") { device.readBytes = value }
        if CgroupText.equals(lines, key, "wbytes") { device.writeBytes = value }
        if CgroupText.equals(lines, key, "rios") { device.reads = value }
        if CgroupText.equals(lines, key, "wios") { device.writes = value }
        if CgroupText.equals(lines, key, "dbytes") { device.discardBytes = value }
        if CgroupText.equals(lines, key, "dios") { device.discards = value }
        if CgroupText.equals(lines, key, "cost.usage") { device.costUsage = value }
        if CgroupText.equals(lines, key, "cost.wait") { device.costWait = value }
        if CgroupText.equals(lines, key, "cost.indebt") { device.costInDebt = value }
        if CgroupText.equals(lines, key, "cost.indelay") { device.costInDelay = value }
    }

    /// Devices of one cgroup that are counted; a machine has a few dozen.
    private static let deviceLimit = 512

    /// Calls `body` after the `MAJ:MIN ` of each line that has one, with the offset of what follows.
    private func forEachDevice(
        _ bytes: Span<UInt8>, _ problems: inout TextProblems,
        _ body: (UInt32, UInt32, Span<UInt8>, inout Int, inout TextProblems) -> Void
    ) {
        guard bytes.count > 0 else { return }
        let lines = bytes.extracting(first: CgroupText.wholeLines(bytes, &problems))
        var offset = 0
        var devices = 0
        while offset < lines.count, devices < CgroupReader.deviceLimit * 6 {
            if lines[offset] &- 0x30 <= 9, let major = CgroupText.number(lines, at: &offset, &problems), offset + 1 < lines.count,
                lines[offset] == UInt8(ascii: ":")
            {
                offset += 1
                if let minor = CgroupText.number(lines, at: &offset, &problems), offset < lines.count, lines[offset] == CgroupText.space,
                    let major = UInt32(exactly: major), let minor = UInt32(exactly: minor)
                {
                    offset += 1
                    devices += 1
                    body(major, minor, lines, &offset, &problems)
                }
            }
            if offset < lines.count { CgroupText.skip(lines, to: CgroupText.lineFeed, at: &offset) }
            offset += 1
        }
    }

    private func position(_ major: UInt32, _ minor: UInt32, _ devices: inout [CgroupSample.DeviceIO]) -> Int {
        if let known = devices.firstIndex(where: { $0.major == major && $0.minor == minor }) { return known }
        devices.append(.init(major: major, minor: minor, name: context.devices.name(major, minor, time: sample.time)))
        return devices.count - 1
    }
}
