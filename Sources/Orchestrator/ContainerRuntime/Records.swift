import JSON

// The runtime's records: sandbox.json and containers/ID/container.json in its state directory.

extension ResourceLimits {
    var json: JSON {
        var json = JSON.object([])
        if let cpuShares { json["cpuShares"] = JSON(cpuShares) }
        if let cpuQuotaMicroseconds { json["cpuQuotaMicroseconds"] = JSON(cpuQuotaMicroseconds) }
        if let memoryBytes { json["memoryBytes"] = .integer(memoryBytes) }
        if let pids { json["pids"] = JSON(pids) }
        return json
    }
    init(json: JSON) {
        self.init(
            cpuShares: json["cpuShares"].int, cpuQuotaMicroseconds: json["cpuQuotaMicroseconds"].int,
            memoryBytes: json["memoryBytes"].int.map(Int64.init), pids: json["pids"].int)
    }
}

extension SandboxConfig {
    var json: JSON {
        .object([
            ("namespace", JSON(namespace)), ("name", JSON(name)), ("uid", JSON(uid)), ("hostname", JSON(hostname)), ("cgroupPath", JSON(cgroupPath)),
            ("limits", limits.json), ("hostNetwork", JSON(hostNetwork)), ("logDirectory", JSON(logDirectory)), ("annotations", .strings(annotations)),
        ])
    }
    init?(json: JSON) {
        guard let namespace = json["namespace"].string, let name = json["name"].string, let uid = json["uid"].string,
            let hostname = json["hostname"].string, let cgroupPath = json["cgroupPath"].string, let logDirectory = json["logDirectory"].string
        else { return nil }
        self.init(
            namespace: namespace, name: name, uid: uid, hostname: hostname, cgroupPath: cgroupPath, limits: ResourceLimits(json: json["limits"]),
            hostNetwork: json["hostNetwork"].bool ?? false, logDirectory: logDirectory, annotations: json["annotations"].stringMap)
    }
}

extension ContainerConfig {
    var json: JSON {
        var json = JSON.object([
            ("name", JSON(name)), ("restartCount", JSON(restartCount)), ("image", JSON(image)), ("command", .array(command.map { .string($0) })),
            ("environment", .array(environment.map { .string($0) })), ("limits", limits.json), ("oomScoreAdjustment", JSON(oomScoreAdjustment)),
            (
                "mounts",
                .array(mounts.map { .object([("source", JSON($0.source)), ("target", JSON($0.target)), ("isReadOnly", JSON($0.isReadOnly))]) })
            ),
            ("terminationMessagePath", JSON(terminationMessagePath)), ("logFileBytes", .integer(logFileBytes)), ("logFileLimit", JSON(logFileLimit)),
            ("annotations", .strings(annotations)),
        ])
        if let workingDirectory { json["workingDirectory"] = JSON(workingDirectory) }
        if let userID { json["userID"] = JSON(userID) }
        if let groupID { json["groupID"] = JSON(groupID) }
        return json
    }
    init?(json: JSON) {
        guard let name = json["name"].string, let image = json["image"].string, let restartCount = json["restartCount"].int else { return nil }
        self.init(
            name: name, restartCount: restartCount, image: image, command: json["command"].elements.compactMap(\.string),
            workingDirectory: json["workingDirectory"].string, environment: json["environment"].elements.compactMap(\.string),
            userID: json["userID"].int, groupID: json["groupID"].int, limits: ResourceLimits(json: json["limits"]),
            oomScoreAdjustment: json["oomScoreAdjustment"].int ?? 0,
            mounts: json["mounts"].elements.map {
                Mount(source: $0["source"].string ?? "", target: $0["target"].string ?? "", isReadOnly: $0["isReadOnly"].bool ?? false)
            },
            terminationMessagePath: json["terminationMessagePath"].string ?? "", logFileBytes: Int64(json["logFileBytes"].int ?? 10 << 20),
            logFileLimit: json["logFileLimit"].int ?? 5, annotations: json["annotations"].stringMap)
    }
}

extension ContainerStatus {
    var json: JSON {
        var json = JSON.object([
            ("id", JSON(id)), ("sandbox", JSON(sandboxID)), ("config", config.json), ("pid", JSON(Int(pid))), ("started", .integer(started)),
            ("logPath", JSON(logPath)), ("cgroupPath", JSON(cgroupPath)),
        ])
        if case .exited(let exit) = state {
            json["exit"] = .object([
                ("code", JSON(exit.code)), ("signal", exit.signal.map { JSON($0) } ?? .null), ("outOfMemory", JSON(exit.outOfMemory)),
                ("finished", .integer(exit.finished)), ("message", JSON(exit.message)),
            ])
        }
        return json
    }
    init?(json: JSON) {
        guard let id = json["id"].string, let sandbox = json["sandbox"].string, let config = ContainerConfig(json: json["config"]),
            let logPath = json["logPath"].string, let cgroupPath = json["cgroupPath"].string
        else { return nil }
        let exit = json["exit"]
        self.init(
            id: id, sandboxID: sandbox, config: config, pid: Int32(json["pid"].int ?? 0), started: Int64(json["started"].int ?? 0),
            state: exit.isNull
                ? .running
                : .exited(
                    Exit(
                        code: exit["code"].int ?? 137, signal: exit["signal"].int, outOfMemory: exit["outOfMemory"].bool ?? false,
                        finished: Int64(exit["finished"].int ?? 0), message: exit["message"].string ?? "")),
            logPath: logPath, cgroupPath: cgroupPath)
    }
}
