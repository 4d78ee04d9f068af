/// Answers of engines: members and shapes as Docker 20.10 and Podman 4.3 give them, values made up.
enum EngineFixtures {
    static let id = CgroupIdentityTests.id

    static let docker20 = """
        {"Id":"\(id)","Created":"2026-09-21T14:13:19Z","Path":"nginx","Args":[],
        "State":{"Status":"running","Running":true,"Paused":false,"Restarting":false,"OOMKilled":false,"Dead":false,"Pid":4242,"ExitCode":0,"Error":"",
        "StartedAt":"2026-09-21T14:13:20.123456789Z","FinishedAt":"0001-01-01T00:00:00Z","Health":{"Status":"healthy","FailingStreak":0,"Log":[]}},
        "Image":"sha256:1111","ResolvConfPath":"","LogPath":"/var/lib/docker/containers/\(id)/\(id)-json.log","Name":"/web","RestartCount":3,
        "Driver":"overlay2","Platform":"linux",
        "HostConfig":{"NetworkMode":"default","NanoCpus":1500000000,"CpuShares":0,"Memory":268435456,"MemoryReservation":0,"CgroupParent":"","LogConfig":{"Type":"json-file","Config":{}}},
        "GraphDriver":{"Data":{"LowerDir":"/l","MergedDir":"/m","UpperDir":"/var/lib/docker/overlay2/abc/diff","WorkDir":"/w"},"Name":"overlay2"},
        "Config":{"Hostname":"x","Env":["PATH=/bin","PASSWORD=secret","REGION=eu"],"Image":"nginx:1.27",
        "Labels":{"com.example.team":"shop","maintainer":"somebody"}},"NetworkSettings":{}}
        """

    static func podman4(pod: String, infra: String) -> String {
        """
        {"Id":"\(id)","Created":"2026-09-21T14:13:19.5Z","State":{"OciVersion":"1.0.2","Status":"running","Running":true,"Paused":false,"Pid":100,
        "StartedAt":"2026-09-21T14:13:20Z","Healthcheck":{"Status":"","FailingStreak":0,"Log":null},
        "CgroupPath":"/machine.slice/machine-libpod_pod_\(pod).slice/libpod-\(id).scope"},
        "Image":"2222","ImageName":"docker.io/library/busybox:latest","Rootfs":"","Pod":"\(pod)","Name":"web","RestartCount":0,"IsInfra":false,
        "GraphDriver":{"Name":"overlay","Data":{"UpperDir":"/var/lib/containers/storage/overlay/abc/diff"}},
        "Config":{"Env":["A=b"],"Image":"docker.io/library/busybox:latest","Labels":null},
        "HostConfig":{"NetworkMode":"container:\(infra)","LogConfig":{"Type":"k8s-file","Path":"/var/lib/containers/storage/overlay-containers/x/userdata/ctr.log"}}}
        """
    }

    static func podman4Infra(id: String, pod: String) -> String {
        """
        {"Id":"\(id)","State":{"Status":"running","Running":true,"Pid":99,"CgroupPath":"/machine.slice/machine-libpod_pod_\(pod).slice/libpod-\(id).scope"},
        "ImageName":"localhost/podman-pause:4.3.1","Pod":"\(pod)","Name":"0-infra","IsInfra":true,"Config":{"Labels":null},"HostConfig":{"NetworkMode":"bridge"}}
        """
    }

    static func dockerInPod(id: String, name: String, uid: String, pid: Int) -> String {
        """
        {"Id":"\(id)","Name":"/k8s_\(name)_web-0_shop_\(uid)_4","State":{"Running":true,"Pid":\(pid)},"RestartCount":0,
        "HostConfig":{"NetworkMode":"\(name == "POD" ? "none" : "container:x")"},"Config":{"Image":"\(name == "POD" ? "registry.k8s.io/pause:3.9" : "app:1")",
        "Labels":{"io.kubernetes.container.name":"\(name)","io.kubernetes.pod.name":"web-0","io.kubernetes.pod.namespace":"shop","io.kubernetes.pod.uid":"\(uid)",
        "annotation.io.kubernetes.container.restartCount":"4","io.kubernetes.docker.type":"\(name == "POD" ? "podsandbox" : "container")"}}}
        """
    }
}

extension String {
    /// The standard library has it for collections of elements only.
    func replacing(_ old: String, with new: String) -> String {
        var (result, rest) = ("", self[...])
        while !rest.isEmpty {
            if rest.hasPrefix(old) {
                result += new
                rest = rest.dropFirst(old.count)
            } else {
                result.append(rest.removeFirst())
            }
        }
        return result
    }
}
