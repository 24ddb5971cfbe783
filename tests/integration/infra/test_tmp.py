import time


def test_it(account):
    t = time.time()
    url = account.deploy()
    print(url, time.time() - t)
    print("\n".join(account.said)[-3000:])
    print(account.inventory())
    print(account.unserved)
    for f in account.inventory().functions:
        c = account.aws.client("lambda").get_function_configuration(
            FunctionName="orchestrator-dev-" + f
        )
        print(
            {
                k: c.get(k)
                for k in (
                    "CodeSize",
                    "Timeout",
                    "MemorySize",
                    "VpcConfig",
                    "FileSystemConfigs",
                    "Environment",
                )
            }
        )
    before = (account.project.settings / "deployed/dev.json").read_text()
    t = time.time()
    account.deploy()
    print("again", time.time() - t)
    print(before)
    account.remove()
    print(account.said[-5:])
